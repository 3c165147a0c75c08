import { expect, test } from "bun:test";
import {
  createFrameReader,
  DEFAULT_POLICY,
  type HttpRequest,
  systemClock,
  TextAnswer,
  type Topic,
} from "@ovation/protocol";
import { OPEN_ADMISSION } from "./connections/admission.ts";
import { createEventsRoute, REFUSED_RETRY_MAX_MS, REFUSED_RETRY_MIN_MS } from "./events-route.ts";
import { Polls } from "./polls.ts";
import { ModelUpstream } from "./testing/model-upstream.ts";
import { newFrontend } from "./testing/new-frontend.ts";
import { runningFrontends } from "./testing/running-frontends.ts";

const startFrontend = runningFrontends();

test("REFUSED_RETRY_MAX_MS: a refused client is told a time up to it", async () => {
  for (const [drawn, expected] of [
    [0, REFUSED_RETRY_MIN_MS],
    [1, REFUSED_RETRY_MAX_MS],
  ] as const) {
    const route = createEventsRoute({
      frontend: newFrontend(new ModelUpstream(), {
        admission: { ...OPEN_ADMISSION, connectionsMax: 0 },
      }),
      authenticate: async () => undefined,
      authorize: () => true,
      policy: DEFAULT_POLICY,
      random: () => drawn,
      zstd: false,
      polls: {} as Polls,
    });
    const url = "http://host/v1/events?topic=video:1";
    const request = new Request(url) as unknown as HttpRequest;
    const answer = (await route.handle(request, { address: "127.0.0.1" } as never)) as Response;
    expect(answer.status).toBe(200);
    const told: unknown[] = [];
    const reader = createFrameReader({
      onMessage: ({ type, data }) => told.push([type, JSON.parse(data)]),
      onRetry: (ms) => told.push(ms),
    });
    reader.feed(await answer.text());
    expect(told).toEqual([expected, ["reconnect", { afterMs: expected, reason: "full" }]]);
  }
});

test("a session ends if its client was gone before the first answer", async () => {
  const upstream = new ModelUpstream();
  const frontend = startFrontend(upstream);
  const polls = new Polls({ frontend, clock: systemClock });
  const route = createEventsRoute({
    frontend,
    authenticate: async () => undefined,
    authorize: () => true,
    policy: DEFAULT_POLICY,
    random: () => 0,
    zstd: false,
    polls,
  });
  const ask = async (aborted: boolean, query = "") => {
    const url = `http://host/v1/events?topic=video:1${query}`;
    const { method, headers } = new Request(url, { headers: { accept: "application/json" } });
    const asked = { method, url, headers, signal: { aborted } } as unknown as HttpRequest;
    const answer = await route.handle(asked, { address: "127.0.0.1" } as never);
    if (!(answer instanceof TextAnswer)) throw new Error("not an answer of a poll");
    return JSON.parse(answer.body) as { readonly connectionId: string };
  };
  await ask(true);
  expect(frontend.connections.size).toBe(0);
  const { connectionId } = await ask(false);
  expect(frontend.connections.size).toBe(1);
  upstream.append("video:1" as Topic, "news");
  // Its client knows the session: it may come back.
  await ask(true, `&connection=${connectionId}`);
  expect(frontend.connections.size).toBe(1);
});
