/**
 * The same link where no namespaces may be made: the tests' TCP proxy before each dispatcher. Cut
 * silently in both directions: what is sent vanishes for as long as the cut lasts, and connections
 * stay open.
 */

import { freePort } from "../../../testing/free-port.ts";
import { startTcpProxy, type TcpProxy } from "../../../testing/tcp-proxy.ts";
import type { Site, SiteLink } from "./site-link.ts";

export function createProxyLink(): SiteLink {
  const proxies: TcpProxy[] = [];

  async function join(): Promise<Site> {
    const internalPort = await freePort();
    const proxy = await startTcpProxy({ target: { port: internalPort } });
    proxies.push(proxy);
    const host = "127.0.0.1";
    return {
      host,
      internalPort,
      peerUrl: `http://${host}:${proxy.port}`,
      address: host,
      outside: undefined,
    };
  }

  return {
    form: "proxy",
    command: (command) => command,
    async join() {
      return [await join(), await join()];
    },
    cut() {
      for (const proxy of proxies) proxy.halfCut("both");
    },
    heal() {
      for (const proxy of proxies) proxy.heal();
    },
    async close() {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    },
  };
}
