/**
 * Rounds that yield: events arrive during a round; connections open, close, stall and resume, with
 * one topic or several. In every order, each connection gets each event of its topics once, in the
 * order of the broadcasts.
 */

import { afterEach, expect, test } from "bun:test";
import { type DirectSender, parsePosition, type Topic } from "@ovation/protocol";
import fc from "fast-check";
import { createManualClock } from "../../testing/manual-clock.ts";
import { until } from "../../testing/until.ts";
import type { Frontend } from "../frontend.ts";
import {
  BATCH_REST_SHARE,
  BATCH_WAIT_MAX_MS,
  BROADCAST_CLOCK_EVERY,
  BROADCAST_SLICE_MS,
} from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import { Viewer } from "../testing/viewer.ts";

const one = topic("video:1");
const two = topic("video:2");
const VIEWERS = BROADCAST_CLOCK_EVERY * 3;
const frontends: Frontend[] = [];
afterEach(async () => {
  await Promise.all(frontends.splice(0).map((frontend) => frontend.stop()));
});

/**
 * Sockets by descriptor, as the kernel has them: one that is full takes half of a write, and its
 * owner hands over the rest.
 */
class SocketViewer extends Viewer {
  static readonly all: SocketViewer[] = [];
  static readonly sender: DirectSender = {
    aim: (bytes) => (descriptor) => SocketViewer.all[descriptor]?.take(bytes) ?? 0,
  };
  direct = 0;
  readonly #file = SocketViewer.all.push(this) - 1;
  #half: Uint8Array | undefined;

  get descriptor(): number {
    return this.#half === undefined ? this.#file : -1;
  }

  take(bytes: Uint8Array): number {
    this.direct++;
    if (!this.isStalled) {
      void this.write(bytes);
      return bytes.length;
    }
    const half = Math.floor(bytes.length / 2);
    this.#half = bytes.subarray(0, half);
    return half;
  }

  override write(bytes: Uint8Array): number | Promise<number> {
    const whole = this.#half === undefined ? bytes : Buffer.concat([this.#half, bytes]);
    this.#half = undefined;
    return super.write(whole);
  }
}

/**
 * A frontend whose clock advances by a slice at every read, so that a round yields as often as it
 * can; turns of the event loop are the test's.
 */
function steppedFrontend(upstream: ModelUpstream): { frontend: Frontend; turn(): boolean } {
  let now = 0;
  const waiting: (() => void)[] = [];
  const frontend = newFrontend(upstream, {
    reportMs: 60_000,
    sender: SocketViewer.sender,
    soon: (run) => void waiting.push(run),
    elapsed: () => {
      now += BROADCAST_SLICE_MS + 1;
      return now;
    },
  });
  upstream.inboxes.push(frontend);
  frontends.push(frontend);
  frontend.start();
  return {
    frontend,
    turn() {
      const run = waiting.shift();
      run?.();
      return run !== undefined;
    },
  };
}

/** Runs what is due until nothing is: rests and joins are waited for. */
async function settle(turn: () => boolean, holds: () => boolean): Promise<void> {
  await until(() => {
    while (turn());
    return holds();
  }, "every viewer has every event");
}

function orders(viewer: Viewer): readonly number[] {
  return viewer.received.flatMap(({ type, id }) =>
    type === "goal" ? [parsePosition(id)?.point?.order ?? 0] : [],
  );
}

test("every viewer gets every event once, in order, for any interleaving", async () => {
  const act = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("turn" as const),
        count: fc.integer({ min: 1, max: 4 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("event" as const),
        topic: fc.constantFrom(one, two),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("stall" as const), viewer: fc.nat(VIEWERS - 1) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("drain" as const), viewer: fc.nat(VIEWERS - 1) }),
    },
  );
  let direct = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 60 }), async (acts) => {
      const upstream = new ModelUpstream();
      const { frontend, turn } = steppedFrontend(upstream);
      const topicsOf = (number: number): readonly Topic[] =>
        number % 3 === 0 ? [one, two] : number % 3 === 1 ? [one] : [two];
      const viewers = Array.from({ length: VIEWERS }, (_, number) => {
        // Some by descriptor, some (TLS, another system) by their own writer.
        const Form = number % 4 === 3 ? Viewer : SocketViewer;
        return new Form(frontend, topicsOf(number), { zstd: number % 7 === 0 });
      });
      await settle(turn, () => viewers.every((viewer) => viewer.connection.ready));
      const sent = new Map<Topic, number>([
        [one, 0],
        [two, 0],
      ]);
      for (const each of acts) {
        if (each.kind === "turn") for (let count = 0; count < each.count; count++) turn();
        else if (each.kind === "event") {
          const number = (sent.get(each.topic) ?? 0) + 1;
          sent.set(each.topic, number);
          upstream.live(each.topic, "goal", number);
        } else if (each.kind === "stall") viewers[each.viewer]?.stall();
        else {
          viewers[each.viewer]?.drain();
          // What waited for that continues in a microtask.
          await Promise.resolve();
        }
      }
      for (const viewer of viewers) viewer.drain();
      const owed = (number: number) =>
        topicsOf(number).reduce((sum, name) => sum + (sent.get(name) ?? 0), 0);
      await settle(turn, () =>
        viewers.every((viewer, number) => viewer.of("goal").length >= owed(number)),
      );
      for (const [number, viewer] of viewers.entries()) {
        for (const name of topicsOf(number)) {
          const numbers = viewer
            .of("goal")
            .flatMap((event) => (event.topic === name ? [event.data] : []));
          expect(numbers).toEqual(
            Array.from({ length: sent.get(name) ?? 0 }, (_, index) => index + 1),
          );
        }
        const seen = orders(viewer);
        expect(seen).toEqual([...seen].sort((left, right) => left - right));
      }
      for (const viewer of viewers) if (viewer instanceof SocketViewer) direct += viewer.direct;
      SocketViewer.all.length = 0;
      await frontend.stop();
    }),
    { numRuns: 40 },
  );
  expect(direct).toBeGreaterThan(VIEWERS);
}, 60_000);

test("a viewer late in a round gets newer events in the same write", async () => {
  const upstream = new ModelUpstream();
  const { frontend, turn } = steppedFrontend(upstream);
  const viewers = Array.from({ length: VIEWERS }, () => new Viewer(frontend, [one]));
  await settle(turn, () => viewers.every((viewer) => viewer.connection.ready));
  const before = viewers.map((viewer) => viewer.writes);
  const written = () => viewers.map((viewer, number) => viewer.writes - (before[number] ?? 0));
  upstream.live(one, "goal", 1);
  await settle(
    () => false,
    () => {
      if (viewers[0]?.of("goal").length === 0) turn();
      return viewers[0]?.of("goal").length === 1;
    },
  );
  upstream.live(one, "goal", 2);
  await settle(turn, () => viewers.every((viewer) => viewer.of("goal").length === 2));
  expect(written()[0]).toBe(2);
  expect(written()[VIEWERS - 1]).toBe(1);
});

test("BATCH_WAIT_MAX_MS: a topic with long broadcasts rests so long at the most", async () => {
  for (const [tookMs, restMs] of [
    [20, 20 * BATCH_REST_SHARE],
    [10_000, BATCH_WAIT_MAX_MS],
  ] as const) {
    const clock = createManualClock();
    let passedMs = 0;
    const upstream = new ModelUpstream();
    const frontend = newFrontend(upstream, {
      clock,
      reportMs: 60_000,
      soon: (run) => void clock.after(0, run),
      elapsed: () => clock.now() + passedMs,
    });
    upstream.inboxes.push(frontend);
    frontends.push(frontend);
    frontend.start();
    const viewer = new Viewer(frontend, [one]);
    // A topic with one viewer keeps nothing between two events.
    new Viewer(frontend, [one]);
    for (let turn = 0; turn < 20 && !viewer.connection.ready; turn++) await clock.advance(10);
    const write = viewer.write.bind(viewer);
    viewer.write = (bytes) => {
      passedMs += tookMs;
      return write(bytes);
    };
    upstream.live(one, "goal", 1);
    await clock.advance(0);
    expect(viewer.of("goal")).toHaveLength(1);
    upstream.live(one, "goal", 2);
    await clock.advance(restMs - 1);
    expect(viewer.of("goal")).toHaveLength(1);
    await clock.advance(2);
    expect(viewer.of("goal")).toHaveLength(2);
  }
});
