import { afterEach, expect, test } from "bun:test";
import { Recorder } from "../history/recorder.ts";
import { Publisher, type PublisherOptions } from "./publisher.ts";

const servers: Bun.Server<undefined>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) void server.stop(true);
});

/** The first event of a publisher, whose requests get these statuses, and then 201. */
async function firstOutcome(form: PublisherOptions["form"], statuses: readonly number[]) {
  const left = [...statuses];
  const keys: unknown[] = [];
  const server = Bun.serve({
    port: 0,
    async fetch(request) {
      const body = (await request.json()) as { readonly id?: string; readonly clientId?: string };
      keys.push(body.clientId ?? body.id);
      return Response.json({ code: "code", seq: 7 }, { status: left.shift() ?? 201 });
    },
  }) as Bun.Server<undefined>;
  servers.push(server);
  const recorder = new Recorder();
  const publisher = new Publisher({
    name: "ben",
    recorder,
    topic: "video:a",
    form,
    token: "",
    everyMs: 1e9,
    url: `http://127.0.0.1:${server.port}`,
    random: () => 0,
  });
  await publisher.finish();
  const [first] = recorder.history(new Map()).publishes;
  return { outcome: first?.outcome, attempts: first?.attempts, lane: first?.lane, keys };
}

test("a durable event is sent again with the same key until it is acknowledged", async () => {
  const { outcome, attempts, keys } = await firstOutcome("durable", [500, 503]);
  expect(outcome).toEqual({ kind: "acknowledged", seq: 7 });
  expect(attempts).toBe(3);
  expect(keys.slice(0, 3)).toEqual(["ben-1", "ben-1", "ben-1"]);
  expect(keys[3]).toBe("ben-2");
});

test("a live event is sent once; 503 means that it was not sent, 500 leaves it open", async () => {
  expect(await firstOutcome("live", [503])).toMatchObject({
    outcome: { kind: "refused", code: "code" },
    attempts: 1,
    lane: "live",
  });
  expect(await firstOutcome("live", [500])).toMatchObject({
    outcome: { kind: "unknown" },
    attempts: 1,
  });
});
