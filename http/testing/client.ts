/** Servers and plain sockets for the tests of this folder. */

import { afterEach } from "bun:test";
import { connect, type Socket } from "node:net";
import type { Problem } from "@ovation/protocol";
import { type Call, HttpServer, type IncomingRequest } from "../mod.ts";

export type Handle = (request: IncomingRequest, call: Call) => Promise<Response> | Response;

export const open: { stop(now: boolean): Promise<void> }[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of open.splice(0)) await server.stop(true);
});

export function serve(handle: Handle): {
  port: number;
  server: HttpServer;
  refused: Problem[];
  errors: unknown[];
} {
  const refused: Problem[] = [];
  const errors: unknown[] = [];
  const server = new HttpServer({
    at: { host: "127.0.0.1", port: 0, reusePort: false },
    handle: async (request, call) => handle(request, call),
    onError: (error) => errors.push(error),
    onRefused: (problem) => refused.push(problem),
  });
  open.push(server);
  return { port: server.port ?? 0, server, refused, errors };
}

export interface Client {
  readonly socket: Socket;
  text(): string;
  readonly ended: boolean;
  readonly reset: string;
}

export async function client(port: number, bytes = ""): Promise<Client> {
  const chunks: Buffer[] = [];
  const state = { ended: false, reset: "" };
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: false });
  sockets.push(socket);
  socket.on("data", (chunk) => chunks.push(Buffer.from(chunk as Uint8Array)));
  socket.on("end", () => {
    state.ended = true;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    state.reset = error.code ?? "";
  });
  await new Promise((resolve) => socket.once("connect", resolve));
  if (bytes !== "") socket.write(bytes);
  return {
    socket,
    text: () => Buffer.concat(chunks).toString("latin1"),
    get ended() {
      return state.ended;
    },
    get reset() {
      return state.reset;
    },
  };
}

export const get = (path: string, ...headers: string[]) =>
  ["GET ", path, " HTTP/1.1\r\nHost: x\r\n", ...headers, "\r\n"].join("");
