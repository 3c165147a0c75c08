import { describe, expect, test } from "bun:test";
import type { Identity } from "@ovation/protocol";
import { until } from "../testing/until.ts";
import { ModelUpstream, topic } from "./testing/model-upstream.ts";
import { runningFrontends } from "./testing/running-frontends.ts";
import { Viewer } from "./testing/viewer.ts";

const startFrontend = runningFrontends();
const video = topic("video:42");
const other = topic("video:7");

const alice: Identity = {
  sub: "alice",
  name: "Alice",
  role: "member",
  videoRoles: {},
  subscribe: [],
  publish: [],
};

describe("subscriptions of an open connection", () => {
  test("can be added: once answered, every later event arrives", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    upstream.append(other, "before");
    const change = { connection: viewer.connection.id, add: [other], remove: [], sub: "" };
    expect(await frontend.changeHere(change)).toMatchObject({
      ok: true,
      heads: [{ topic: other, seq: 1 }],
    });
    upstream.append(other, "after");
    await until(() => viewer.seqs(other).length === 1);
    expect(viewer.seqs(other)).toEqual([2]);
    expect(await frontend.changeHere(change)).toMatchObject({ ok: true });
    await frontend.changeHere({ ...change, add: [], remove: [other] });
    upstream.append(other, "not for us");
    upstream.append(video, "for us");
    await until(() => viewer.seqs(video).length === 1);
    expect(viewer.seqs(other)).toEqual([2]);
  });

  test("that are numbered end as the last one says, in whatever order they arrive", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
    const viewer = new Viewer(frontend, [video]);
    await until(() => viewer.connection.ready);
    const change = { connection: viewer.connection.id, add: [], remove: [], sub: "" };
    const topics = () => viewer.connection.subscriptions.map(({ channel }) => channel.topic);
    expect(await frontend.changeHere({ ...change, add: [other], order: 3 })).toMatchObject({
      ok: true,
    });
    // A removal that is late, and a second copy of a change that was applied.
    expect(await frontend.changeHere({ ...change, remove: [other], order: 2 })).toEqual({
      ok: false,
      error: "superseded",
    });
    expect(await frontend.changeHere({ ...change, add: [other], order: 3 })).toMatchObject({
      ok: true,
    });
    expect(topics()).toEqual([video, other]);
    // One that waits for the table while a later one is made.
    const late = frontend.changeHere({ ...change, add: ["video:late" as typeof video], order: 4 });
    expect(await frontend.changeHere({ ...change, remove: [other], order: 5 })).toMatchObject({
      ok: true,
    });
    expect(await late).toEqual({ ok: false, error: "superseded" });
    expect(topics()).toEqual([video]);
  });

  test("of a member cannot be changed by the connection's id alone", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
    const viewer = new Viewer(frontend, [video], { identity: alice });
    await until(() => viewer.connection.ready);
    const change = { connection: viewer.connection.id, add: [other], remove: [] };
    expect(await frontend.changeHere({ ...change, sub: "" })).toEqual({
      ok: false,
      error: "forbidden",
    });
    expect(await frontend.changeHere({ ...change, sub: "bob" })).toEqual({
      ok: false,
      error: "forbidden",
    });
    expect(await frontend.changeHere({ ...change, sub: "alice" })).toMatchObject({ ok: true });
  });

  test("leave the table when the last viewer has gone, after a while", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream, { name: "frontend1", lingerMs: 10 });
    const viewer = new Viewer(frontend, [video]);
    await until(() => upstream.subscribed.has(video));
    frontend.closed(viewer.connection, "left");
    await until(() => !upstream.subscribed.has(video));
    expect(frontend.hub.channels.size).toBe(0);
  });
});
