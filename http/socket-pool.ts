/**
 * The sockets of a server by the address that they count for, and which of them is evicted when
 * there are too many: the heaviest address loses one, not the newcomer. What the server waits for
 * on a socket decides the order within an address (`EvictionRank`), and within a rank the longest
 * wait does.
 *
 * The sockets of an address are a ring of pointers in themselves, so that a viewer costs no extra
 * object.
 */

import { AddressTally } from "@ovation/protocol";
import { ADDRESS_LOOKS_MAX, ROOM_LOOKS_MAX } from "./limits.ts";

/** What is lost by an eviction, the least first. */
export const EvictionRank = {
  /** Nothing was ever asked. */
  silent: 0,
  /** Between two requests, or after the last answer. */
  idle: 1,
  /** The server waits for the rest of a body. */
  body: 2,
  /** The server waits for the client to read an answer, or the end of a stream. */
  answer: 3,
  /** A viewer. */
  stream: 4,
  /** The server itself is at work on the answer. */
  working: 5,
} as const;
export type EvictionRank = (typeof EvictionRank)[keyof typeof EvictionRank];

/** From the first to the last of them. */
export interface Ranks {
  readonly from: EvictionRank;
  readonly to: EvictionRank;
}

const ANY: Ranks = { from: EvictionRank.silent, to: EvictionRank.working };
/** Where the server waits for the client, and no viewer is cut. */
const LOW: Ranks = { from: EvictionRank.silent, to: EvictionRank.answer };

export interface PooledSocket {
  /** The address that it counts for: the pool's. */
  address: string;
  nextOfAddress: PooledSocket | undefined;
  previousOfAddress: PooledSocket | undefined;
  readonly evictionRank: EvictionRank;
  /** Ends at once and closes its descriptor. */
  evict(): void;
}

export class SocketPool {
  readonly #tally = new AddressTally();
  /** Of each address, the socket that has waited longest. */
  readonly #rings = new Map<string, PooledSocket>();
  #cursor: Iterator<PooledSocket> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  held(address: string): number {
    return this.#tally.held(address);
  }

  add(socket: PooledSocket, address: string): void {
    this.#link(socket, address);
    this.#tally.add(address, 1);
    this.#size++;
  }

  /** Does nothing where it is not in the pool. */
  remove(socket: PooledSocket): void {
    if (socket.nextOfAddress === undefined) return;
    this.#unlink(socket);
    this.#tally.remove(socket.address, 1);
    this.#size--;
  }

  /** From now on it counts for that address, as the last of its sockets. */
  move(socket: PooledSocket, address: string): void {
    if (socket.nextOfAddress === undefined) return;
    if (socket.address !== address) {
      this.#tally.remove(socket.address, 1);
      this.#tally.add(address, 1);
    }
    this.#unlink(socket);
    this.#link(socket, address);
  }

  replace(socket: PooledSocket, successor: PooledSocket): void {
    if (socket.nextOfAddress === undefined) return;
    this.#unlink(socket);
    this.#link(successor, socket.address);
  }

  /** The last in the ring of its address. */
  #link(socket: PooledSocket, address: string): void {
    const first = this.#rings.get(address);
    // One text for all sockets of an address: every socket reads its own copy from the kernel.
    socket.address = first?.address ?? address;
    if (first === undefined) {
      socket.nextOfAddress = socket.previousOfAddress = socket;
      this.#rings.set(address, socket);
      return;
    }
    const last = first.previousOfAddress ?? first;
    socket.nextOfAddress = first;
    socket.previousOfAddress = last;
    last.nextOfAddress = first.previousOfAddress = socket;
  }

  #unlink(socket: PooledSocket): void {
    const { nextOfAddress: next, previousOfAddress: previous, address } = socket;
    if (next === undefined || previous === undefined) return;
    if (next === socket) this.#rings.delete(address);
    else {
      next.previousOfAddress = previous;
      previous.nextOfAddress = next;
      if (this.#rings.get(address) === socket) this.#rings.set(address, next);
    }
    socket.nextOfAddress = socket.previousOfAddress = undefined;
  }

  /** Evicts a socket for one more of that address. False where the new one is to be rejected. */
  makeRoom(address: string): boolean {
    const heaviest = this.#tally.heaviest();
    if (heaviest === undefined) return false;
    const isLighter = heaviest.held > this.held(address) + 1;
    if (isLighter && this.evict(heaviest.address, LOW)) return true;
    // Its own idle sockets go before viewers of a heavier address.
    if (this.evict(address, LOW)) return true;
    // The newcomer's address is among the heaviest: its viewers are not cut for more of its own.
    return isLighter ? this.evict(heaviest.address, ANY) : this.#evictAnywhere();
  }

  /** Evicts the socket of the address that has the lowest of these ranks. */
  evict(address: string, ranks: Ranks): boolean {
    const first = this.#rings.get(address);
    if (first === undefined) return false;
    let best: PooledSocket | undefined;
    let socket = first;
    let looks = 0;
    do {
      best = lower(best, socket, ranks);
      socket = socket.nextOfAddress ?? first;
    } while (best?.evictionRank !== ranks.from && socket !== first && ++looks < ROOM_LOOKS_MAX);
    // The next search continues where this one ended.
    if (looks === ROOM_LOOKS_MAX) this.#rings.set(address, socket);
    best?.evict();
    return best !== undefined;
  }

  /** Every address is as light as the newcomer's: the longest wait on some of them. */
  #evictAnywhere(): boolean {
    let best: PooledSocket | undefined;
    for (let looks = 0; looks < ADDRESS_LOOKS_MAX; looks++) {
      this.#cursor ??= this.#rings.values();
      const { done, value } = this.#cursor.next();
      if (done) {
        this.#cursor = undefined;
        if (looks >= this.#rings.size) break;
        continue;
      }
      best = lower(best, value, LOW);
      if (best?.evictionRank === LOW.from) break;
    }
    best?.evict();
    return best !== undefined;
  }
}

/** Of two sockets the one to evict first, if its rank is one of these. */
function lower(
  best: PooledSocket | undefined,
  other: PooledSocket,
  { from, to }: Ranks,
): PooledSocket | undefined {
  const rank = other.evictionRank;
  if (rank < from || rank > to) return best;
  return best === undefined || rank < best.evictionRank ? other : best;
}
