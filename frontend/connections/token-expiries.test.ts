import { describe, expect, test } from "bun:test";
import type { Identity } from "@ovation/protocol";
import { DEFAULT_POLICY, maySubscribe } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import { EXPIRY_STEP_MS } from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { runningFrontends } from "../testing/running-frontends.ts";
import { Viewer } from "../testing/viewer.ts";

const startFrontend = runningFrontends();
const video = topic("video:42");
const board = topic("board:7");
const policy = {
  ...DEFAULT_POLICY,
  board: { ...DEFAULT_POLICY["member"], subscribe: "token" },
} as typeof DEFAULT_POLICY;

function memberOf(sub: string, expiresAt?: number): Identity {
  return {
    sub,
    name: sub,
    role: "member",
    videoRoles: {},
    subscribe: ["board:*"],
    publish: [],
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** A frontend on a manual clock, a viewer of it, and the changes that a route would pass on. */
async function open(identity?: Identity) {
  const clock = createManualClock();
  const upstream = new ModelUpstream();
  const frontend = startFrontend(upstream, {
    clock,
    policy,
    authorize: (who, name) => maySubscribe(policy, who, name),
    elapsed: () => clock.now(),
    lifetimeMs: { min: 3_600_000, max: 3_600_000 },
  });
  const viewer = new Viewer(frontend, [video], identity === undefined ? {} : { identity });
  await clock.advance(10);
  expect(viewer.connection.ready).toBe(true);
  return {
    clock,
    upstream,
    viewer,
    frontend,
    async put(tokenMs: number | undefined, names = [board], sub = "alice") {
      const expiresAt = tokenMs === undefined ? undefined : clock.now() + tokenMs;
      const change = { connection: viewer.connection.id, add: names, remove: [], sub, expiresAt };
      const changed = frontend.changeHere(change);
      await clock.advance(10);
      expect(await changed).toMatchObject({ ok: true });
    },
    async publish(data: string) {
      upstream.append(board, data);
      await clock.advance(10);
      return viewer.of("comment").some((event) => event.data === data);
    },
  };
}

describe("a topic that a token allowed", () => {
  test("ends with that token on a connection that was opened without one", async () => {
    const { clock, viewer, put, publish, frontend } = await open();
    await put(3000);
    expect(await publish("before")).toBe(true);
    await clock.advance(2900);
    expect(viewer.ended).toBe(false);
    await clock.advance(100 + EXPIRY_STEP_MS);
    expect(await publish("after")).toBe(false);
    expect(viewer.ended).toBe(true);
    expect(viewer.of("reconnect")[0]?.data).toMatchObject({ reason: "token-expired" });
    expect(frontend.counters.closes["token-expired"]).toBe(1);
  });

  test("ends although the viewer takes no bytes: it gets nothing when it drains", async () => {
    const { clock, viewer, put, publish } = await open();
    await put(3000);
    viewer.stall();
    expect(await publish("in flight")).toBe(true);
    await clock.advance(3500);
    viewer.drain();
    expect(await publish("after")).toBe(false);
    expect(viewer.ended).toBe(true);
  });

  test("ends with the shorter token where the connection's own does not allow it", async () => {
    const own = { ...memberOf("alice"), subscribe: [] };
    const { clock, viewer, put, publish } = await open(own);
    await put(3000);
    await clock.advance(3500);
    expect(await publish("after")).toBe(false);
    expect(viewer.ended).toBe(true);
  });

  test("stays where the connection's own token allows it too", async () => {
    const { clock, viewer, put, publish } = await open(memberOf("alice"));
    await put(3000);
    await clock.advance(10_000);
    expect(await publish("after")).toBe(true);
    expect(viewer.ended).toBe(false);
  });

  test("lasts as long as the last token, for ever with one without expiry", async () => {
    const { clock, viewer, put, publish } = await open();
    await put(3000);
    await put(9000);
    await put(1000);
    await clock.advance(8000);
    expect(await publish("renewed")).toBe(true);
    await put(undefined);
    await clock.advance(60_000);
    expect(await publish("for ever")).toBe(true);
    expect(viewer.ended).toBe(false);
  });

  test("does not end the connection after its removal, or where it needs no token", async () => {
    const { clock, viewer, put, frontend } = await open();
    await put(3000, [board, topic("video:public")]);
    await frontend.changeHere({
      connection: viewer.connection.id,
      add: [],
      remove: [board],
      sub: "alice",
    });
    await clock.advance(60_000);
    expect(viewer.ended).toBe(false);
  });
});

test("a connection ends within a step of its token's expiry", async () => {
  const clockStart = createManualClock().now();
  const { clock, viewer, publish } = await open(memberOf("alice", clockStart + 5000));
  await clock.advance(4900);
  expect(viewer.ended).toBe(false);
  await clock.advance(EXPIRY_STEP_MS + 100);
  expect(await publish("after")).toBe(false);
  expect(viewer.ended).toBe(true);
});
