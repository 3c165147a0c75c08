/**
 * By which names and from which pages a server is asked: DNS rebinding, and pages that write
 * without reading.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Problem } from "@ovation/protocol";
import { freePort } from "../../testing/free-port.ts";
import { Server } from "../../testing/server.ts";
import { createHostCheck, HOSTS_MAX, type HostsOptions, parseHosts } from "./hosts.ts";

function asked(options: HostsOptions, host: string | null, peer = "127.0.0.1"): string {
  try {
    createHostCheck(options)?.({ headers: { get: () => host } } as never, peer);
    return "answered";
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.code;
  }
}

describe("hosts", () => {
  test("a listener on loopback accepts localhost and its addresses, and no other name", () => {
    for (const bind of ["127.0.0.1", "::1", "localhost", "127.0.0.9"]) {
      for (const host of [
        "localhost",
        "LOCALHOST:8080",
        "localhost.:8080",
        "demo.localhost:8080",
        "127.0.0.1",
        "127.0.0.1:8080",
        "127.1.2.3",
        "[::1]:8080",
        "[::ffff:127.0.0.1]",
        "laptop:8080",
        // HTTP/1.0, which no browser speaks.
        null,
        "",
      ])
        expect([host, asked({ host: bind }, host)]).toEqual([host, "answered"]);
      for (const host of [
        "attacker.example",
        "attacker.example:8080",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        "laptop.example",
        "laptop.local",
        "2130706434.example",
        "192.0.2.1:8080",
        "0.0.0.0:8080",
        "[2001:db8::1]",
        "localhost@attacker.example",
        "a b",
        "::1",
        "localhost:80:80",
      ])
        expect([host, asked({ host: bind }, host)]).toEqual([host, "unknown-host"]);
    }
  });

  test("listed names are accepted in any case, with any port, and with *. all below them", () => {
    const hosts = ["Live.Example.org", "*.example.net"];
    const options = { host: "127.0.0.1", hosts };
    for (const host of ["live.example.org", "LIVE.example.ORG:443", "a.example.net", "localhost"])
      expect([host, asked(options, host)]).toEqual([host, "answered"]);
    for (const host of ["example.org", "example.net", "evilexample.net", "live.example.org.evil"])
      expect([host, asked(options, host)]).toEqual([host, "unknown-host"]);
    expect(asked({ host: "127.0.0.1", hosts: ["*"] }, "attacker.example")).toBe("answered");
  });

  test("elsewhere than on loopback any name is answered to, until names are listed", () => {
    expect(asked({ host: "0.0.0.0" }, "attacker.example")).toBe("answered");
    const listed = { host: "0.0.0.0", hosts: ["live.example.org"] };
    expect(asked(listed, "attacker.example")).toBe("unknown-host");
    expect(asked(listed, "live.example.org")).toBe("answered");
    // Probes of kubelets and Prometheus; a name is what rebinding needs.
    expect(asked(listed, "10.244.0.7:8080")).toBe("answered");
    expect(asked(listed, "[fd00::1]:8080")).toBe("answered");
  });

  test("behind a named proxy, the proxy checks names; loopback by default is none", () => {
    const behind = { host: "127.0.0.1", trustedProxies: ["loopback"] };
    expect(asked(behind, "live.example.org")).toBe("answered");
    expect(asked({ ...behind, trustedProxies: ["10.0.0.1"] }, "live.example.org")).toBe(
      "unknown-host",
    );
    expect(asked({ ...behind, hosts: ["live.example.org"] }, "attacker.example")).toBe(
      "unknown-host",
    );
    expect(asked({ host: "127.0.0.1" }, "live.example.org")).toBe("unknown-host");
  });

  test("what is no name is refused at the start", () => {
    for (const bad of ["", "http://x", "a:80", "a b", "*x", "a/b", "*."])
      expect(() => parseHosts([bad])).toThrow(TypeError);
  });
});

describe("a server on loopback", () => {
  let server: Server;
  let metricsPort = 0;
  beforeAll(async () => {
    metricsPort = await freePort();
    server = await Server.start({
      flags: ["--policy", "{directory}/policy.yaml", "--metrics", `127.0.0.1:${metricsPort}`],
      files: { "policy.yaml": "cors: [https://www.example.org]\nhosts: [live.example.org]\n" },
    });
  }, 30_000);
  afterAll(() => server.stop());

  const ask = async (path: string, headers: Record<string, string>, method = "GET") => {
    const body = method === "GET" ? {} : { body: '{"name":"Ana"}' };
    const response = await fetch(`${server.url}${path}`, { method, headers, ...body });
    const text = await response.text();
    return { status: response.status, text, headers: response.headers };
  };

  test("a page whose own name points here gets nothing, on any path, by any method", async () => {
    for (const path of ["/", "/watch/demo", "/v1/videos", "/v1/events?topic=video:1", "/readyz"]) {
      const { status, text } = await ask(path, { host: "attacker.example" });
      expect([path, status]).toEqual([path, 421]);
      expect(text).toContain("--hosts attacker.example");
    }
    // X-Forwarded-For is a header that any page's script can set.
    const forged = { host: "attacker.example", "x-forwarded-for": "203.0.113.7" };
    expect((await ask("/v1/guests", forged, "POST")).status).toBe(421);
    expect((await ask("/v1/guests", { host: "attacker.example" }, "OPTIONS")).status).toBe(421);
    expect((await ask("/v1/videos", { host: "live.example.org" })).status).toBe(200);
  });

  test("a page of an unlisted origin changes nothing, although it reads no response", async () => {
    const like = (origin: string, host = "live.example.org") =>
      ask("/v1/videos/a/likes", { origin, host, "content-type": "text/plain" }, "POST");
    for (const origin of ["https://attacker.example", "null", "https://www.example.org.evil"]) {
      const { status, text } = await like(origin);
      expect([origin, status, JSON.parse(text).code]).toEqual([origin, 403, "origin-not-allowed"]);
    }
    for (const origin of ["https://www.example.org", "https://live.example.org:8443"])
      expect((await like(origin)).status).not.toBe(403);
    const headers = { origin: "https://attacker.example", host: "localhost" };
    expect((await ask("/v1/videos", headers)).status).toBe(200);
    expect((await ask("/v1/guests", { host: "localhost" }, "POST")).status).toBe(201);
  });

  test("metrics are where the operator wants them, and nowhere else", async () => {
    expect((await ask("/metrics", {})).status).toBe(404);
    const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    expect(await response.text()).toContain("process_cpu_seconds_total");
  });

  test("no answer is to be guessed at by a browser", async () => {
    for (const path of [
      "/",
      "/v1/videos",
      "/nothing",
      "/readyz",
      "/v1/videos/a/comments",
      "/sdk.js",
    ]) {
      const { headers } = await ask(path, {});
      expect([path, headers.get("x-content-type-options")]).toEqual([path, "nosniff"]);
    }
    const stream = await fetch(`${server.url}/v1/events?topic=video:1`);
    expect(stream.headers.get("x-content-type-options")).toBe("nosniff");
    await stream.body?.cancel();
  });
});

test("a start that leaves metrics open to others says so, and who is believed", async () => {
  const server = await Server.start({ flags: ["--host", "0.0.0.0"] });
  const output = server.output;
  await server.stop();
  expect(output).toContain("--metrics off");
  expect(output).toContain("--trusted-proxies");
  const closed = await Server.start({ flags: ["--host", "0.0.0.0", "--metrics", "off"] });
  const status = (await fetch(`${closed.url}/metrics`)).status;
  expect([status, closed.output.includes("/metrics")]).toEqual([404, false]);
  await closed.stop();
}, 30_000);

test("HOSTS_MAX: beyond so many hosts each is answered or refused as before", () => {
  const check = createHostCheck({ host: "127.0.0.1", hosts: ["*.example.org"] });
  const isRefused = (host: string) => {
    try {
      check?.({ headers: { get: () => host } } as never, "127.0.0.1");
      return false;
    } catch {
      return true;
    }
  };
  for (let round = 0; round < 2; round++)
    for (let index = 0; index <= HOSTS_MAX; index++) {
      expect(isRefused(`a${index}.example.org`)).toBe(false);
      expect(isRefused(`a${index}.attacker.example`)).toBe(true);
    }
});
