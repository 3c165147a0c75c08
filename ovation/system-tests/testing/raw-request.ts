/** Bytes on a socket as a hostile client writes them, and what came back. */

import { connect } from "node:net";

export interface RawOptions {
  readonly port: number;
  /** Sent when the connection is there. */
  readonly bytes: string | Buffer;
  readonly from?: string;
  /** Sent again and again after that. */
  readonly trickle?: { readonly byte: string; readonly everyMs: number };
  /** Gives up after this. */
  readonly withinMs: number;
  /** Done when this holds, not only at the end of the connection. */
  enough?(text: string): boolean;
}

export interface RawAnswer {
  readonly text: string;
  /** Of each response in it. */
  readonly statuses: readonly number[];
  /** The server ended the connection. */
  readonly closed: boolean;
  readonly ms: number;
}

export function rawRequest(options: RawOptions): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const { port, bytes, from, trickle, withinMs, enough } = options;
    const socket = connect({
      port,
      host: "127.0.0.1",
      ...(from === undefined ? {} : { localAddress: from }),
    });
    let text = "";
    let ticking: ReturnType<typeof setInterval> | undefined;
    const overdue = setTimeout(() => done(false), withinMs);
    function done(closed: boolean): void {
      clearTimeout(overdue);
      clearInterval(ticking);
      socket.destroy();
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
      resolve({ text, statuses, closed, ms: performance.now() - startedAt });
    }
    socket.on("connect", () => {
      socket.write(bytes);
      if (trickle !== undefined)
        ticking = setInterval(() => socket.write(trickle.byte), trickle.everyMs);
    });
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (enough?.(text) === true) done(false);
    });
    // A reset is an end as well: `close` follows.
    socket.on("error", () => {});
    socket.on("close", () => done(true));
  });
}
