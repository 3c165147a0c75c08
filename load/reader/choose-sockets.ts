/** Which form of `sockets.ts` a reader uses. */

import { isIPv4 } from "node:net";
import { openLibc } from "./libc.ts";
import type { SocketHandlers, Sockets } from "./sockets.ts";
import { BunSockets } from "./sockets-bun.ts";
import { EpollSockets } from "./sockets-epoll.ts";

/** The cheapest form of this system for this server. */
export function createSockets<Owner>(
  host: string,
  port: number,
  handlers: SocketHandlers<Owner>,
): Sockets<Owner> {
  const libc = isIPv4(host) ? openLibc() : undefined;
  return libc === undefined
    ? new BunSockets(host, port, handlers)
    : new EpollSockets(libc, host, port, handlers);
}
