/**
 * The owner of a socket: first a connection that reads requests; where a response is a stream, that
 * stream, for good.
 */

import type { PooledSocket } from "./socket-pool.ts";
import type { RawSocket } from "./socket-writer.ts";

export interface SocketOwner extends PooledSocket {
  receive(bytes: Uint8Array): void;
  drain(): void;
  closed(): void;
}

/** The part of Bun's socket that its owners need. */
export interface OwnedSocket extends RawSocket {
  data: SocketOwner;
  /** Undefined where the socket has none: a Unix socket, or a closed one. */
  readonly remoteAddress: string | undefined;
  /**
   * The file descriptor. Bun has it, though its types do not list it: `event-stream.test.ts` holds
   * that.
   */
  readonly fd: number;
  /** Ends our half; the other may still send. */
  shutdown(): void;
  pause(): void;
  resume(): void;
}
