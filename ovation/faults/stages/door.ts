/** Where viewers and publishers reach one data centre. */

import { startTcpProxy, type TcpProxy } from "../../../testing/tcp-proxy.ts";

export interface Door {
  readonly name: string;
  readonly url: string;
  /** The same through a network that can be cut. */
  readonly farUrl: string;
  readonly network: TcpProxy;
}

export async function openDoor(name: string, url: string): Promise<Door> {
  const network = await startTcpProxy({ target: { port: Number(new URL(url).port) } });
  return { name, url, farUrl: `http://127.0.0.1:${network.port}`, network };
}
