/**
 * How long a connection may take and how far ahead it may send, on a clock and a socket of the
 * test's own.
 */

import { describe, expect, test } from "bun:test";
import { createMemoryPools, steadyClock } from "@ovation/protocol";
import {
  ANSWER_STALLED_MS_MAX,
  BODY_MS_MAX,
  HEAD_MS_MAX,
  IDLE_MS_MAX,
  KEPT_AT_STOP_MS_MAX,
  LINGER_MS_MAX,
  LINGER_TOTAL_MS_MAX,
  PIPELINED_BYTES_MAX,
  REQUESTS_TOGETHER_MAX,
  SILENT_AT_STOP_MS_MAX,
} from "../limits.ts";
import { SharedBytes } from "../shared-bytes.ts";
import type { OwnedSocket, SocketOwner } from "../socket-owner.ts";
import type { ConnectionHost } from "./connection-host.ts";
import type { CutReason } from "./cut-reason.ts";
import { HttpConnection } from "./http-connection.ts";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/** `takes`: whether the client reads. `answer` lets the handlers answer. */
function newConnection(takes = true) {
  const state = {
    now: 0,
    takes,
    cuts: [] as CutReason[],
    handled: 0,
    paused: false,
    ended: false,
    terminated: false,
    answer: () => {},
  };
  const answered = new Promise<void>((resolve) => {
    state.answer = resolve;
  });
  const socket: OwnedSocket = {
    data: undefined as unknown as SocketOwner,
    remoteAddress: "127.0.0.1",
    fd: -1,
    write: (bytes) => (state.takes ? bytes.length : 0),
    end() {
      state.ended = true;
    },
    terminate() {
      state.terminated = true;
    },
    shutdown() {},
    pause() {
      state.paused = true;
    },
    resume() {
      state.paused = false;
    },
  };
  const bytes = new SharedBytes(
    createMemoryPools(steadyClock).shares("bytes", Number.POSITIVE_INFINITY),
    () => false,
  );
  const host: ConnectionHost = {
    stopping: false,
    idleMs: IDLE_MS_MAX,
    now: () => state.now,
    async handle() {
      await answered;
      state.handled++;
      return new Response("ok");
    },
    failed(error) {
      throw error;
    },
    refused() {},
    cut: (reason) => state.cuts.push(reason),
    bodies: bytes,
    unread: bytes,
    addressOf: (_, peer) => peer,
    moved() {},
    waits() {},
    became() {},
    left() {},
    ends() {},
    closed() {},
  };
  const connection = new HttpConnection(socket, host);
  return { state, connection, receive: (text: string) => connection.receive(Buffer.from(text)) };
}

type Case = ReturnType<typeof newConnection>;

/** Is answered as soon as it asks. */
function ask({ state, receive }: Case): void {
  state.answer();
  receive(GET);
}

describe("a connection is ended", () => {
  const cases: readonly (readonly [
    reason: CutReason,
    afterMs: number,
    begin: (given: Case) => void,
    takes?: boolean,
  ])[] = [
    ["silent", HEAD_MS_MAX, () => {}],
    ["head", HEAD_MS_MAX, ({ receive }) => receive("GET / HT")],
    [
      "body",
      BODY_MS_MAX,
      ({ receive }) => receive("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na"),
    ],
    ["idle", IDLE_MS_MAX, ask],
    ["unread", ANSWER_STALLED_MS_MAX, ask, false],
  ];
  for (const [reason, afterMs, begin, takes] of cases) {
    test(`as ${reason} after ${afterMs / 1000} s, and not before`, async () => {
      const given = newConnection(takes);
      begin(given);
      await Bun.sleep(5);
      given.connection.sweep(afterMs);
      expect(given.state.cuts).toEqual([]);
      given.connection.sweep(afterMs + 1);
      expect(given.state.cuts).toEqual([reason]);
      expect(given.state.ended || given.state.terminated).toBe(true);
    });
  }

  test("when it has had the time to read a refusal", async () => {
    const { state, connection, receive } = newConnection();
    receive("\0");
    await Bun.sleep(5);
    expect(connection.state).toBe("lingering");
    connection.sweep(LINGER_MS_MAX + 1);
    expect({ ended: state.ended, cuts: state.cuts }).toEqual({ ended: true, cuts: [] });
  });

  test("when it still sends after a refusal for LINGER_TOTAL_MS_MAX", async () => {
    const { state, connection, receive } = newConnection();
    receive("\0");
    await Bun.sleep(5);
    while (state.now < LINGER_TOTAL_MS_MAX) {
      state.now += LINGER_MS_MAX / 2;
      receive("more");
      connection.sweep(state.now);
    }
    expect(state.ended).toBe(false);
    receive("more");
    connection.sweep(LINGER_TOTAL_MS_MAX + 1);
    expect({ ended: state.ended, cuts: state.cuts }).toEqual({ ended: true, cuts: [] });
  });
});

test("a connection is not read while more than 64 KB of further requests wait", async () => {
  const { state, receive } = newConnection();
  receive(GET);
  receive(GET.repeat(Math.floor(PIPELINED_BYTES_MAX / GET.length)));
  expect(state.paused).toBe(false);
  receive(GET.repeat(2));
  expect(state.paused).toBe(true);
  state.answer();
  for (let wait = 0; wait < 500 && state.paused; wait++) await Bun.sleep(2);
  expect(state.paused).toBe(false);
});

test("SILENT_AT_STOP_MS_MAX, KEPT_AT_STOP_MS_MAX: a stop waits so long for a request", async () => {
  const silent = newConnection();
  silent.state.now = SILENT_AT_STOP_MS_MAX;
  silent.connection.endIfIdle(0);
  expect(silent.state.ended).toBe(false);
  silent.state.now++;
  silent.connection.endIfIdle(0);
  expect(silent.state.ended).toBe(true);

  const kept = newConnection();
  ask(kept);
  await Bun.sleep(5);
  // Idle for long before the stop began: it counts from then on.
  const stoppingSince = 10_000;
  kept.state.now = stoppingSince + KEPT_AT_STOP_MS_MAX;
  kept.connection.endIfIdle(stoppingSince);
  expect(kept.state.ended).toBe(false);
  kept.state.now++;
  kept.connection.endIfIdle(stoppingSince);
  expect(kept.state.ended).toBe(true);
});

test("REQUESTS_TOGETHER_MAX: the next one waits for a turn of the event loop", async () => {
  const { state, receive } = newConnection();
  state.answer();
  receive(GET.repeat(REQUESTS_TOGETHER_MAX + 1));
  let atTurn = -1;
  setImmediate(() => {
    atTurn = state.handled;
  });
  for (let wait = 0; wait < 500 && state.handled <= REQUESTS_TOGETHER_MAX; wait++)
    await Bun.sleep(1);
  expect(atTurn).toBe(REQUESTS_TOGETHER_MAX);
  expect(state.handled).toBe(REQUESTS_TOGETHER_MAX + 1);
});
