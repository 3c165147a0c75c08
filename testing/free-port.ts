/** TCP ports of 127.0.0.1 that nothing listens on, for servers that a test starts. */

import { createServer } from "node:net";

/** Below the system's ephemeral range: an outgoing connection may take one of those meanwhile. */
const [FIRST_PORT, LAST_PORT] = [10_000, 29_999];

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** `count` different ports. `accept` may refuse one, for a server that derives others from it. */
export async function freePorts(
  count: number,
  accept: (port: number) => boolean = () => true,
): Promise<number[]> {
  const servers: ReturnType<typeof createServer>[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
    if (ports.includes(port) || !accept(port)) continue;
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    servers.push(server);
    ports.push(port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
