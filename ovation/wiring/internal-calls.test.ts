/** Where an internal listener is announced. */

import { expect, test } from "bun:test";
import type { NetworkInterfaceInfo } from "node:os";
import { reachableUrl } from "./internal-calls.ts";

const info = (address: string, internal: boolean) =>
  ({
    address,
    internal,
    family: address.includes(":") ? "IPv6" : "IPv4",
  }) as NetworkInterfaceInfo;
const interfaces = {
  lo: [info("127.0.0.1", true), info("::1", true)],
  eth0: [info("fd00::7", false), info("10.0.0.7", false)],
};

test("a listener on one address is announced there", () => {
  for (const url of ["http://127.0.0.1:9081", "https://10.0.0.9:9081", "http://[fd00::9]:1"])
    expect(reachableUrl(url, interfaces)).toBe(url);
});

test("a listener on all addresses is announced at one that other machines reach", () => {
  expect(reachableUrl("http://0.0.0.0:9081", interfaces)).toBe("http://10.0.0.7:9081");
  expect(reachableUrl("https://[::]:9081", interfaces)).toBe("https://10.0.0.7:9081");
  const only6 = { eth0: [info("fd00::7", false)] };
  expect(reachableUrl("http://[::]:9081", only6)).toBe("http://[fd00::7]:9081");
  expect(reachableUrl("http://0.0.0.0:9081", { lo: interfaces.lo })).toBe("http://127.0.0.1:9081");
});
