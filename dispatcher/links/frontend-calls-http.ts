/** `FrontendCalls` over the network, and the frontend's route for them. */

import type { ConnectionChange, ConnectionChangeResult } from "@ovation/frontend";
import { type FrontendId, Problem, type Route } from "@ovation/protocol";
import {
  CallFailedError,
  createInternalClient,
  type InternalClientOptions,
} from "../internal/client.ts";
import { type InternalRouteOptions, internalRoute, parseCall, refuse } from "../internal/route.ts";
import { CALL_BYTES_MAX, CONNECTION_PATH, ConnectionCall } from "../internal/upstream-calls.ts";
import type { FrontendCalls } from "./frontend-calls.ts";

const TIMEOUT_MS = 2000;

export function createHttpFrontendCalls(options: InternalClientOptions): FrontendCalls {
  const client = createInternalClient(options);
  return {
    async changeConnection(frontend, change) {
      try {
        const body = JSON.stringify(change);
        return (await client.call(frontend.url, CONNECTION_PATH, body, {
          timeoutMs: TIMEOUT_MS,
          to: frontend.id,
        })) as ConnectionChangeResult;
      } catch (error) {
        if (error instanceof CallFailedError)
          throw new Problem(
            "bad-gateway",
            "the frontend that holds the connection does not answer",
          );
        throw error;
      }
    },
  };
}

export interface FrontendRoutesOptions extends InternalRouteOptions {
  readonly frontend: FrontendId;
  changeConnection(change: ConnectionChange): Promise<ConnectionChangeResult>;
}

/** The frontend's internal routes. */
export function createFrontendRoutes(options: FrontendRoutesOptions): readonly Route[] {
  const { frontend, refusals, changeConnection } = options;
  return [
    internalRoute(options, CONNECTION_PATH, CALL_BYTES_MAX, async ({ from, to, body }) => {
      if (!from.startsWith("dispatcher ")) throw refuse(refusals, "not-the-caller");
      if (to !== frontend) throw refuse(refusals, "earlier-life");
      return Response.json(await changeConnection(parseCall(refusals, ConnectionCall, body)));
    }),
  ];
}
