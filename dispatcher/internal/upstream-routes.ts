/**
 * The dispatcher's internal routes for the frontends of its data centre. The caller must prove its
 * id: it may change its own rows, and renew and release its own lease, but no other frontend's.
 */

import { LogUnavailableError } from "@ovation/log";
import { Problem, type Route } from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import type { z } from "zod";
import type { DispatcherApi } from "../dispatcher-api.ts";
import { parseFrontendCaller } from "../links/frontend-credential.ts";
import { type InternalRouteOptions, internalRoute, parseCall, refuse } from "./route.ts";
import * as calls from "./upstream-calls.ts";

/** Calls in flight; beyond, the response makes the frontend try another dispatcher. */
export const UPSTREAM_CALLS_MAX = 5000;

export interface UpstreamRoutesOptions extends InternalRouteOptions {
  readonly dispatcher: DispatcherApi;
}

export function createUpstreamRoutes(options: UpstreamRoutesOptions): readonly Route[] {
  const { dispatcher, refusals } = options;
  const { UPSTREAM_PATHS: paths } = calls;
  let inFlight = 0;

  function route<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    answer: (frontend: FrontendAddress, call: z.output<Schema>) => Promise<unknown>,
  ): Route {
    return internalRoute(options, path, calls.CALL_BYTES_MAX, async ({ from, body }) => {
      const frontend = parseFrontendCaller(from);
      if (frontend === undefined) throw refuse(refusals, "not-the-caller");
      const call = parseCall(refusals, schema, body);
      if (inFlight >= UPSTREAM_CALLS_MAX)
        throw new Problem("bad-gateway", "too many calls in flight");
      inFlight++;
      try {
        return Response.json((await answer(frontend, call)) ?? {});
      } catch (error) {
        // All dispatchers share the log: another one would fail as well.
        if (error instanceof LogUnavailableError)
          throw new Problem("unavailable", "the log cannot be reached", { retryAfterMs: 1000 });
        throw error;
      } finally {
        inFlight--;
      }
    });
  }

  return [
    route(paths.change, calls.ChangeCall, (frontend, { changes }) =>
      dispatcher.change(frontend, changes),
    ),
    route(paths.report, calls.ReportCall, (frontend, { viewers, since }) =>
      dispatcher.report(frontend, viewers, since),
    ),
    route(paths.read, calls.ReadCall, (_, { topic, after, limit, need }) =>
      dispatcher.read(topic, after, limit, need),
    ),
    route(paths.wrote, calls.WroteCall, (_, { topic, seq, epoch }) =>
      dispatcher.wrote(topic, seq, epoch),
    ),
    route(paths.reached, calls.ReachedCall, async (_, moment) => ({
      reached: await dispatcher.reached(moment),
    })),
    route(paths.headAt, calls.HeadAtCall, (_, { topic, stamp }) => dispatcher.headAt(topic, stamp)),
    route(paths.changeConnection, calls.ConnectionCall, (_, change) =>
      dispatcher.changeConnection(change),
    ),
    route(paths.present, calls.PresentCall, (_, { members, staff }) =>
      dispatcher.present(members, staff),
    ),
    route(paths.upgraded, calls.UpgradedCall, (_, { guests }) => dispatcher.upgraded(guests)),
    route(paths.renew, calls.RenewCall, (frontend, { ttlMs }) => dispatcher.renew(frontend, ttlMs)),
    route(paths.probe, calls.ProbeCall, (frontend, { number }) =>
      dispatcher.probe(frontend.id, number),
    ),
    route(paths.release, calls.EmptyCall, (frontend) => dispatcher.release(frontend.id)),
  ];
}
