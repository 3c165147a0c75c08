import { describe, expect, test } from "bun:test";
import {
  createAddressOf,
  HOPS_MAX,
  PEERS_MAX,
  parseAddress,
  WARNED_PEERS_MAX,
} from "./client-address.ts";

function setUp(trustedProxies?: readonly string[]) {
  const warnings: string[] = [];
  const addressOf = createAddressOf({
    trustedProxies,
    onWarning: (warning, peer) => warnings.push(`${warning} ${peer}`),
  });
  const ask = (peer: string, forwarded?: string) =>
    addressOf(
      new Request("http://x/", {
        headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
      }),
      peer,
    );
  return { ask, warnings };
}

describe("client address", () => {
  test("without a proxy it is the peer's, whatever the header says", () => {
    const { ask, warnings } = setUp([]);
    expect(ask("203.0.113.7")).toBe("203.0.113.7");
    expect(ask("203.0.113.7", "1.2.3.4")).toBe("203.0.113.7");
    expect(ask("::ffff:203.0.113.7")).toBe("203.0.113.7");
    expect(warnings).toEqual([]);
  });

  test("behind named proxies it is the last address that is not one of them", () => {
    const { ask } = setUp(["10.0.0.0/8", "2001:db8:ffff::/48"]);
    expect(ask("10.0.0.1", "1.1.1.1, 203.0.113.7")).toBe("203.0.113.7");
    expect(ask("10.0.0.1", "1.1.1.1, 203.0.113.7, 10.9.9.9")).toBe("203.0.113.7");
    expect(ask("10.0.0.1", "203.0.113.7:4711")).toBe("203.0.113.7");
    expect(ask("2001:db8:ffff::1", "[2001:db8::1]:443")).toBe("2001:db8:0:0::/64");
    expect(ask("10.0.0.1", "10.0.0.2, 10.0.0.3")).toBe("10.0.0.2");
  });

  test("an IPv6 client is counted by its /64", () => {
    const { ask } = setUp([]);
    expect(ask("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
    expect(ask("2001:db8:1:2::9")).toBe("2001:db8:1:2::/64");
    expect(ask("::1")).toBe("0:0:0:0::/64");
  });

  test("X-Forwarded-For of an unnamed private peer is ignored, with one warning", () => {
    const { ask, warnings } = setUp();
    expect(ask("192.168.1.5", "203.0.113.9")).toBe("192.168.1.5");
    expect(ask("192.168.1.5", "203.0.113.10")).toBe("192.168.1.5");
    expect(ask("::ffff:10.0.0.7", "203.0.113.9")).toBe("10.0.0.7");
    expect(ask("fd00::7", "203.0.113.9")).toBe("fd00:0:0:0::/64");
    expect(warnings).toEqual([
      "unnamed-proxy 192.168.1.5",
      "unnamed-proxy 10.0.0.7",
      "unnamed-proxy fd00::7",
    ]);
    // Named proxies are named instead of loopback, not beside it.
    const named = setUp(["10.0.0.1"]);
    expect(named.ask("127.0.0.1", "203.0.113.9")).toBe("127.0.0.1");
    expect(named.ask("10.0.0.2", "203.0.113.9")).toBe("10.0.0.2");
    expect(named.warnings).toEqual(["unnamed-proxy 127.0.0.1", "unnamed-proxy 10.0.0.2"]);
  });

  test("where no proxy is named, loopback may be one or a client", () => {
    const { ask, warnings } = setUp();
    expect(ask("127.0.0.1", "203.0.113.7")).toBe("203.0.113.7");
    expect(ask("::1", "203.0.113.8")).toBe("203.0.113.8");
    expect(ask("127.0.0.1")).toBe("127.0.0.1");
    expect(warnings).toEqual([]);
  });

  test("a named proxy that sends no header, or nonsense, counts itself: never no limits", () => {
    const { ask, warnings } = setUp(["loopback", "10.0.0.0/8"]);
    expect(ask("127.0.0.1")).toBe("127.0.0.1");
    for (const nonsense of ["unknown", "", " ", ",", "_hidden, x", "203.0.113.7;", "1.2.3.4.5"])
      expect(ask("127.0.0.1", nonsense)).toBe("127.0.0.1");
    expect(ask("127.0.0.1", "203.0.113.7, unknown, 10.0.0.2")).toBe("10.0.0.2");
    expect(ask("127.0.0.1", `${"1.1.1.1, ".repeat(1_000)}203.0.113.7`)).toBe("203.0.113.7");
    expect(ask("127.0.0.1", Array(1_000).fill("10.0.0.9").join(","))).toBe("10.0.0.9");
    expect(warnings).toEqual(["silent-proxy 127.0.0.1", "malformed-header 127.0.0.1"]);
    // A peer without an address, which the kernel gives for a connection that is gone, has limits
    // too.
    expect(ask("")).toBe("unknown");
  });

  test("other headers than X-Forwarded-For are not read", () => {
    const addressOf = createAddressOf({ trustedProxies: ["loopback"], onWarning: () => undefined });
    const headers = { forwarded: "for=203.0.113.7", "x-real-ip": "203.0.113.7" };
    expect(addressOf(new Request("http://x/", { headers }), "127.0.0.1")).toBe("127.0.0.1");
  });

  test("several lines of the header are one list, and an address has one spelling", () => {
    const { ask } = setUp(["loopback"]);
    const headers = new Headers([
      ["x-forwarded-for", "1.1.1.1"],
      ["x-forwarded-for", "203.0.113.7"],
    ]);
    const addressOf = createAddressOf({ trustedProxies: ["loopback"], onWarning: () => undefined });
    expect(addressOf(new Request("http://x/", { headers }), "127.0.0.1")).toBe("203.0.113.7");
    expect(ask("127.0.0.1", "::ffff:cb00:7107")).toBe("203.0.113.7");
    expect(ask("127.0.0.1", "::FFFF:203.0.113.7")).toBe("203.0.113.7");
    expect(ask("127.0.0.1", "2001:0DB8:0001:0002:0:0:0:9")).toBe("2001:db8:1:2::/64");
    expect(ask("127.0.0.1", "[2001:db8:1:2::a%eth0]:443")).toBe("2001:db8:1:2::/64");
  });

  test("a proxy's own probes are no reason for a warning", () => {
    const { warnings } = setUp(["loopback"]);
    const addressOf = createAddressOf({
      trustedProxies: ["loopback"],
      onWarning: (warning, peer) => warnings.push(`${warning} ${peer}`),
    });
    expect(addressOf(new Request("http://x/readyz"), "127.0.0.1")).toBe("127.0.0.1");
    expect(warnings).toEqual([]);
  });

  test("what is no network is refused when the program starts", () => {
    for (const bad of [
      "10.0.0.0/33",
      "::/129",
      "proxy.example",
      "10.0.0.0/8/8",
      "",
      "10.0.0.0/-1",
    ]) {
      expect(() => createAddressOf({ trustedProxies: [bad], onWarning: () => undefined })).toThrow(
        TypeError,
      );
    }
    expect(parseAddress("fe80::1%eth0")).toBe("fe80::1");
    expect(parseAddress("1.2.3.4.5")).toBeUndefined();
  });
});

describe("at the limits of the client address", () => {
  test("HOPS_MAX: a client before so many proxies is not looked for", () => {
    const { ask } = setUp(["10.0.0.0/8"]);
    const proxies = (count: number) =>
      Array.from({ length: count }, (_, index) => `10.0.0.${index + 1}`);
    const forwarded = (count: number) => ["203.0.113.7", ...proxies(count)].join(", ");
    expect(ask("10.9.9.9", forwarded(HOPS_MAX - 1))).toBe("203.0.113.7");
    expect(ask("10.9.9.9", forwarded(HOPS_MAX))).toBe("10.0.0.1");
  });

  test("WARNED_PEERS_MAX: so many peers are warned of, and all are counted right", () => {
    const { ask, warnings } = setUp([]);
    for (let peer = 0; peer <= WARNED_PEERS_MAX; peer++)
      expect(ask(`10.0.${peer}.1`, "203.0.113.7")).toBe(`10.0.${peer}.1`);
    expect(warnings).toHaveLength(WARNED_PEERS_MAX);
  });

  test("PEERS_MAX: beyond so many peers each still is who it is", () => {
    const { ask } = setUp(["10.0.0.0/8"]);
    for (let round = 0; round < 2; round++)
      for (let peer = 0; peer <= PEERS_MAX; peer++)
        expect(ask(`10.0.${peer >> 8}.${peer & 255}`, "203.0.113.7")).toBe("203.0.113.7");
    expect(ask("203.0.113.9", "203.0.113.7")).toBe("203.0.113.9");
  });
});
