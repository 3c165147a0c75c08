import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ADDRESS_LOOKS_MAX, ROOM_LOOKS_MAX } from "./limits.ts";
import { EvictionRank, type PooledSocket, SocketPool } from "./socket-pool.ts";

class TestSocket implements PooledSocket {
  address = "";
  nextOfAddress: PooledSocket | undefined;
  previousOfAddress: PooledSocket | undefined;
  evictionRank: EvictionRank;
  evicted = false;
  readonly #pool: SocketPool;

  constructor(pool: SocketPool, address: string, rank: EvictionRank) {
    this.#pool = pool;
    this.evictionRank = rank;
    pool.add(this, address);
  }

  evict(): void {
    this.evicted = true;
    this.#pool.remove(this);
  }
}

const { silent, idle, body, answer, stream, working } = EvictionRank;

function crowd(pool: SocketPool, address: string, ...ranks: EvictionRank[]): TestSocket[] {
  return ranks.map((rank) => new TestSocket(pool, address, rank));
}

/** The places of those that were evicted so far. */
const evicted = (sockets: readonly TestSocket[]) =>
  sockets.flatMap((socket, index) => (socket.evicted ? [index] : []));

describe("a full pool", () => {
  test("takes a newcomer, and the heaviest address loses what costs it least first", () => {
    const pool = new SocketPool();
    const heavy = crowd(pool, "a", working, stream, answer, body, idle, silent, idle);
    const order: number[] = [];
    for (let count = 0; count < 6; count++) {
      expect(pool.makeRoom("b")).toBe(true);
      order.push(...evicted(heavy).filter((index) => !order.includes(index)));
    }
    expect(order).toEqual([5, 4, 6, 3, 2, 1]);
    // Down to one each: the newcomer would hold as much as the heaviest.
    expect(pool.makeRoom("b")).toBe(false);
  });

  test("does not cut the viewers of an address for more sockets of that address", () => {
    const pool = new SocketPool();
    const sockets = crowd(pool, "a", stream, stream, working);
    expect(pool.makeRoom("a")).toBe(false);
    expect(evicted(sockets)).toEqual([]);
    crowd(pool, "a", body);
    expect(pool.makeRoom("a")).toBe(true);
    expect(pool.held("a")).toBe(3);
  });

  test("evicts no viewer of a heavier address for a flood that holds idle sockets itself", () => {
    const pool = new SocketPool();
    const viewers = crowd(pool, "school", ...Array<EvictionRank>(60).fill(stream));
    const flood = crowd(pool, "flood", silent, silent);
    expect(pool.makeRoom("flood")).toBe(true);
    expect([evicted(viewers), evicted(flood)]).toEqual([[], [0]]);
    expect(pool.makeRoom("viewer")).toBe(true);
    expect(evicted(viewers).length).toBe(1);
  });

  test("where all addresses are equal, evicts one that waits for its client", () => {
    const pool = new SocketPool();
    const lone = [silent, body, stream, working].flatMap((rank, index) =>
      crowd(pool, `10.0.0.${index}`, rank),
    );
    expect(pool.makeRoom("newcomer")).toBe(true);
    expect(pool.makeRoom("newcomer")).toBe(true);
    expect(evicted(lone)).toEqual([0, 1]);
    expect(pool.makeRoom("newcomer")).toBe(false);
  });

  test("looks at ADDRESS_LOOKS_MAX addresses at once, and continues from there", () => {
    const pool = new SocketPool();
    for (let number = 0; number < ADDRESS_LOOKS_MAX; number++) crowd(pool, `a${number}`, stream);
    const [beyond] = crowd(pool, "beyond", silent);
    expect(pool.makeRoom("newcomer")).toBe(false);
    expect(pool.makeRoom("newcomer")).toBe(true);
    expect(beyond?.evicted).toBe(true);
  });

  test("finds what can be evicted behind more streams than are looked at once", () => {
    const pool = new SocketPool();
    crowd(pool, "a", ...Array<EvictionRank>(ROOM_LOOKS_MAX * 2).fill(stream));
    const [last] = crowd(pool, "a", silent);
    for (let looks = 0; looks < 3; looks++) pool.evict("a", { from: silent, to: answer });
    expect(last?.evicted).toBe(true);
  });
});

test("an address of a proxy gives its sockets to its clients, and back", () => {
  const pool = new SocketPool();
  const [first, second] = crowd(pool, "proxy", idle, working);
  pool.move(second as TestSocket, "client");
  expect([pool.held("proxy"), pool.held("client"), pool.size]).toEqual([1, 1, 2]);
  pool.remove(first as TestSocket);
  // Gone from the pool: what comes late for it changes nothing.
  pool.move(first as TestSocket, "client");
  pool.remove(first as TestSocket);
  expect([pool.held("proxy"), pool.held("client"), pool.size]).toEqual([0, 1, 1]);
});

test("after any adds, moves and removes, a round finds all sockets of each address", () => {
  const step = fc.record({
    does: fc.constantFrom("add", "remove", "move", "room"),
    address: fc.constantFrom("a", "b", "c"),
    which: fc.nat(20),
    rank: fc.constantFrom(silent, idle, body, answer, stream, working),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const pool = new SocketPool();
      let inside: TestSocket[] = [];
      for (const { does, address, which, rank } of steps) {
        const socket = inside[which % Math.max(1, inside.length)];
        if (does === "add") inside.push(new TestSocket(pool, address, rank));
        else if (does === "room") pool.makeRoom(address);
        else if (socket !== undefined && does === "move") pool.move(socket, address);
        else if (socket !== undefined) {
          pool.remove(socket);
          inside = inside.filter((other) => other !== socket);
        }
        inside = inside.filter((other) => !other.evicted);
        expect(pool.size).toBe(inside.length);
        for (const each of ["a", "b", "c"])
          expect(pool.held(each)).toBe(inside.filter((other) => other.address === each).length);
      }
      for (const each of ["a", "b", "c"])
        while (pool.held(each) > 0)
          expect(pool.evict(each, { from: silent, to: working })).toBe(true);
      expect(pool.size).toBe(0);
    }),
    { interruptAfterTimeLimit: 2000 },
  );
});
