/** TCP ports of 127.0.0.1 that nothing listens on, for servers that a test starts. */

import { createServer, type Server } from "node:net";

/** Below the system's ephemeral range: an outgoing connection may take one of those meanwhile. */
const [FIRST_PORT, LAST_PORT] = [10_000, 29_999];

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/**
 * `count` different ports. `beside`: distances at which a server opens further ports of its own,
 * which are then free as well.
 */
export async function freePorts(count: number, beside: readonly number[] = []): Promise<number[]> {
  const ports: number[] = [];
  const held: Server[] = [];
  const span = LAST_PORT - Math.max(0, ...beside) - FIRST_PORT + 1;
  while (ports.length < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * span);
    const servers = await Promise.all([0, ...beside].map((distance) => listen(port + distance)));
    const open = servers.filter((server) => server !== undefined);
    if (open.length === servers.length) ports.push(port);
    held.push(...open);
  }
  // Held until all are found, so that none is found twice.
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Undefined where the port is taken. */
function listen(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
