/** Relays between a client and its server, and can drop one reply. */

import { createServer, connect as dial, type Socket } from "node:net";

export interface Relay {
  readonly port: number;
  /**
   * The next request with this text is relayed and carried out; its connection then breaks in place
   * of the reply.
   */
  loseAnswerTo(text: string): void;
  readonly lost: number;
  stop(): void;
}

export async function startRelay(port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let wanted: string | undefined;
  let lost = 0;
  const server = createServer((client) => {
    const upstream = dial(port, "127.0.0.1");
    let losing = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (bytes) => {
      if (wanted !== undefined && bytes.includes(wanted)) {
        wanted = undefined;
        losing = true;
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (!losing) return void client.write(bytes);
      lost++;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    loseAnswerTo(text) {
      wanted = text;
    },
    get lost() {
      return lost;
    },
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
