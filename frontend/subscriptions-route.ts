/**
 * `PUT` and `DELETE /v1/connections/{id}/subscriptions`: changes the topics of an open connection.
 */

import {
  type Authenticate,
  type HttpRequest,
  type Identity,
  Problem,
  parseConnectionId,
  type Route,
  readJson,
  TOPICS_PER_CONNECTION_MAX,
  type Topic,
  upgradedProblem,
  VIEWER_BODY_BYTES_MAX,
} from "@ovation/protocol";
import { z } from "zod";
import type { Authorize } from "./authorize.ts";
import { parseTopics } from "./events-route.ts";
import type { Frontend } from "./frontend.ts";
import type { ConnectionChangeResult } from "./upstream/upstream.ts";

export interface SubscriptionsRoutesOptions {
  readonly frontend: Frontend;
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
}

const Body = z.strictObject({
  topics: z.array(z.string()).min(1).max(TOPICS_PER_CONNECTION_MAX),
  order: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
});

type Result =
  | { readonly ok: true; readonly head?: number; readonly epoch?: string }
  | { readonly ok: false; readonly error: string };

export function createSubscriptionsRoutes(options: SubscriptionsRoutesOptions): readonly Route[] {
  const path = "/v1/connections/:id/subscriptions";
  return [
    {
      method: "PUT",
      path,
      async handle(request, { params, address }) {
        options.frontend.takeChangeRequest(address);
        const { identity, connection, topics, order } = await read(
          options,
          request,
          params["id"] ?? "",
        );
        if (await options.frontend.guests.isUpgraded(identity)) throw upgradedProblem();
        const results: Record<string, Result> = {};
        const allowed: Topic[] = [];
        for (const topic of topics) {
          if (await options.authorize(identity, topic)) allowed.push(topic);
          else
            results[topic] = {
              ok: false,
              error: identity === undefined ? "token-missing" : "forbidden",
            };
        }
        const changed = await options.frontend.change(
          {
            connection,
            add: allowed,
            remove: [],
            sub: identity?.sub ?? "",
            expiresAt: identity?.expiresAt,
            order,
          },
          identity,
        );
        if (!changed.ok) throw problemOf(changed);
        for (const { topic, seq, epoch } of changed.heads)
          results[topic] = { ok: true, head: seq, epoch };
        return Response.json({ results });
      },
    },
    {
      method: "DELETE",
      path,
      async handle(request, { params, address }) {
        options.frontend.takeChangeRequest(address);
        const { identity, connection, topics, order } = await read(
          options,
          request,
          params["id"] ?? "",
        );
        const changed = await options.frontend.change(
          { connection, add: [], remove: topics, sub: identity?.sub ?? "", order },
          identity,
        );
        if (!changed.ok) throw problemOf(changed);
        return Response.json({
          results: Object.fromEntries(topics.map((topic) => [topic, { ok: true }])),
        });
      },
    },
  ];
}

const DETAILS = {
  "rate-limited": "topics of this connection, or of all at this address, change too fast",
  "topics-exhausted": "too many topics are open from this address; leave some, or wait",
} as const;

function problemOf(refused: Exclude<ConnectionChangeResult, { readonly ok: true }>): Problem {
  const { error, retryAfterMs } = refused;
  if (error !== "rate-limited" && error !== "topics-exhausted") return new Problem(error);
  return new Problem(error, DETAILS[error], { retryAfterMs });
}

async function read(options: SubscriptionsRoutesOptions, request: HttpRequest, id: string) {
  const connection = parseConnectionId(id);
  if (connection === undefined) throw new Problem("unknown-connection");
  const identity: Identity | undefined = await options.authenticate(request);
  options.frontend.requireUnexpired(identity);
  const body = Body.safeParse(await readJson(request, VIEWER_BODY_BYTES_MAX));
  if (!body.success)
    throw new Problem(
      "invalid-body",
      `send {"topics":["video:42"]} with 1 to ${TOPICS_PER_CONNECTION_MAX} topics and, ` +
        'optionally, "order": a whole number from 1',
    );
  return { identity, connection, topics: parseTopics(body.data.topics), order: body.data.order };
}
