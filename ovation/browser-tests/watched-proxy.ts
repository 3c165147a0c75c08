/** A proxy before a server that can be watched, paused and cut. */

import { once } from "node:events";
import { connect, createServer, type Server as NetServer, type Socket } from "node:net";

/** Keeps the heads of requests and answers. `pause` stops what the server sends. */
export class WatchedProxy {
  readonly heads: string[] = [];
  port = 0;
  readonly #server: NetServer;
  readonly #sockets = new Set<Socket>();
  readonly #upstream = new Set<Socket>();
  #paused = false;

  constructor(target: number) {
    this.#server = createServer((client) => {
      const server = connect(target, "127.0.0.1");
      this.#sockets.add(client).add(server);
      this.#upstream.add(server);
      for (const socket of [client, server]) {
        let first = true;
        socket.on("data", (chunk: Buffer) => {
          if (first) this.heads.push(chunk.toString("latin1").split("\r\n\r\n")[0] ?? "");
          first = false;
        });
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          this.#upstream.delete(socket);
          client.destroy();
          server.destroy();
        });
      }
      client.pipe(server);
      server.pipe(client);
      if (this.#paused) server.pause();
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    this.port = typeof address === "object" && address !== null ? address.port : 0;
  }

  pause(): void {
    this.#paused = true;
    for (const socket of this.#upstream) socket.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const socket of this.#upstream) socket.resume();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}
