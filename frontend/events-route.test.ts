import { expect, test } from "bun:test";
import { createFrameReader, DEFAULT_POLICY, type HttpRequest } from "@ovation/protocol";
import { OPEN_ADMISSION } from "./connections/admission.ts";
import { createEventsRoute, REFUSED_RETRY_MAX_MS, REFUSED_RETRY_MIN_MS } from "./events-route.ts";
import type { Polls } from "./polls.ts";
import { ModelUpstream } from "./testing/model-upstream.ts";
import { newFrontend } from "./testing/new-frontend.ts";

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
