import { expect, test } from "bun:test";
import type { HttpRequest } from "@ovation/protocol";
import { until } from "../../testing/until.ts";
import type { DispatcherApi } from "../dispatcher-api.ts";
import { createFrontendCredential, formatFrontendCaller } from "../links/frontend-credential.ts";
import { testAuth } from "../testing/internal-frontend.ts";
import { createRefusals } from "./route.ts";
import { UPSTREAM_PATHS } from "./upstream-calls.ts";
import { createUpstreamRoutes, UPSTREAM_CALLS_MAX } from "./upstream-routes.ts";

test("UPSTREAM_CALLS_MAX: one more call in flight is refused; later ones are taken", async () => {
  const answers: (() => void)[] = [];
  const auth = testAuth();
  const routes = createUpstreamRoutes({
    auth,
    refusals: createRefusals(),
    dispatcher: {
      renew: () => new Promise((resolve) => answers.push(() => resolve("lease"))),
    } as Partial<DispatcherApi> as DispatcherApi,
  });
  const route = routes.find(({ path }) => path === UPSTREAM_PATHS.renew);
  const from = formatFrontendCaller(createFrontendCredential(), "http://127.0.0.1:1");
  const body = JSON.stringify({ ttlMs: 1000 });
  const call = async () => {
    const request: HttpRequest = {
      method: "POST",
      url: `http://127.0.0.1${UPSTREAM_PATHS.renew}`,
      headers: new Headers({
        ...auth.sign({ method: "POST", path: UPSTREAM_PATHS.renew, from, to: "", body }),
        "content-length": String(body.length),
      }),
      signal: { aborted: false },
      body: null,
      bytes: async () => Buffer.from(body),
    };
    return route?.handle(request, { params: {}, address: "127.0.0.1" } as never);
  };
  const calls = Array.from({ length: UPSTREAM_CALLS_MAX }, call);
  await until(() => answers.length >= UPSTREAM_CALLS_MAX);
  expect(call()).rejects.toMatchObject({ code: "bad-gateway" });
  answers[0]?.();
  expect((await calls[0])?.status).toBe(200);
  const next = call();
  await until(() => answers.length !== UPSTREAM_CALLS_MAX);
  for (const answer of answers) answer();
  expect((await next)?.status).toBe(200);
  expect(await Promise.all(calls)).toHaveLength(UPSTREAM_CALLS_MAX);
});
