import { describe, expect, test } from "bun:test";
import { createAddressOf, parseAddress } from "./client-address.ts";

function setUp(trustedProxies: readonly string[]) {
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

  test("behind named proxies it is the last address that is not one of them: what the client adds does not count", () => {
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

  test("a forgotten proxy is warned of once, and viewers behind it are told apart", () => {
    const { ask, warnings } = setUp([]);
    expect(ask("127.0.0.1", "203.0.113.7")).toBe("203.0.113.7");
    expect(ask("127.0.0.1", "203.0.113.8")).toBe("203.0.113.8");
    expect(ask("192.168.1.5", "203.0.113.9")).toBe("203.0.113.9");
    expect(warnings).toEqual(["unnamed-proxy 127.0.0.1", "unnamed-proxy 192.168.1.5"]);
  });

  test("a named proxy that forwards nothing, or nonsense, makes nobody answer for everybody", () => {
    const { ask, warnings } = setUp(["loopback"]);
    expect(ask("127.0.0.1")).toBe("");
    expect(ask("127.0.0.1", "unknown")).toBe("");
    expect(ask("127.0.0.1", `${"1.1.1.1, ".repeat(1_000)}203.0.113.7`)).toBe("203.0.113.7");
    expect(warnings).toEqual(["silent-proxy 127.0.0.1", "malformed-header 127.0.0.1"]);
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
