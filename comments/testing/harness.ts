/**
 * A comments service on a real listener, with a real SQLite log and store in its own directory.
 * Tokens are `name`, `name.role` or `name.role.pattern`; real ones are tested in `ovation/tokens/`.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteLog } from "@ovation/log";
import {
  type Authenticate,
  type Clock,
  DEFAULT_POLICY,
  type Event,
  type Identity,
  Problem,
  ROLES,
  type Role,
  systemClock,
  type Topic,
} from "@ovation/protocol";
import { dataSchemaOf, problemOfData } from "@ovation/protocol/event-data";
import { MemorySharedStore } from "@ovation/table";
import { Registry } from "prom-client";
import { type Comments, type CommentsOptions, createComments } from "../comments.ts";
import type { MemberStores } from "../members/member-stores.ts";
import { openSqliteMemberStores } from "../members/member-stores-sql.ts";
import { createMemoryRateLimiter } from "../rates/rate-limiter-memory.ts";
import { openSqliteVideoStore } from "../videos/video-store-sql.ts";
import { serveRoutes } from "./serve-routes.ts";

export interface Harness {
  readonly url: string;
  readonly comments: Comments;
  readonly published: Event[];
  readonly registry: Registry;
  readonly options: CommentsOptions;
  /** A request as `token`, with a JSON body and from another address where they are given. */
  call(
    method: string,
    path: string,
    token?: string,
    body?: unknown,
    address?: string,
  ): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
}

/** What tests look at in answers; each has some of these. */
export interface Body {
  readonly code: string;
  readonly detail: string;
  readonly seq: number;
  readonly n: number;
  readonly at: number;
  readonly head: number;
  readonly next?: number;
  readonly until: number;
  readonly unread: number;
  readonly title: string;
  readonly token: string;
  readonly author: { readonly id: string; readonly role: string };
  readonly member: { readonly id: string; readonly name: string };
  readonly likes: Readonly<Record<string, number>>;
  readonly pinned: unknown;
  readonly comments: readonly Body[];
  readonly videos: readonly { readonly id: string }[];
  readonly members: unknown;
  readonly sanctions: unknown;
}

export interface HarnessOptions {
  readonly overrides?: Partial<CommentsOptions>;
  /** Kept after `close`, so that another harness can open it. */
  readonly directory?: string;
  readonly clock?: Clock;
}

let guestNumber = 0;

export async function startHarness(harness: HarnessOptions = {}): Promise<Harness> {
  const directory = harness.directory ?? mkdtempSync(join(tmpdir(), "ovation-comments-"));
  const clock = harness.clock ?? systemClock;
  const log = await openSqliteLog({ path: join(directory, "log.sqlite") });
  const store = openSqliteVideoStore({ path: join(directory, "videos.sqlite") });
  const members = openSqliteMemberStores({ path: join(directory, "members.sqlite") });
  const shared = new MemorySharedStore(clock);
  const published: Event[] = [];
  /** What the services write is what publishers are held to: see `close`. */
  const malformed: string[] = [];
  const registry = new Registry();
  const options: CommentsOptions = {
    log,
    store,
    async publish(events) {
      published.push(...events);
      malformed.push(...events.flatMap(problemsOf));
    },
    viewers: async (topics) => new Map<Topic, number>(topics.map((topic) => [topic, 7])),
    authenticate: testAuthenticate,
    policy: DEFAULT_POLICY,
    clock,
    limiter: createMemoryRateLimiter({ clock }),
    videos: "any",
    guests: {
      async issue(name) {
        const id = `guest-${++guestNumber}`;
        return { token: `${id}.guest`, member: { id, name } };
      },
    },
    members,
    presence: shared,
    messages: "members",
    addressSecret: "the installation's secret",
    registry,
    ...harness.overrides,
  };
  const comments = createComments(options);
  const server = serveRoutes(comments.routes);
  return {
    url: server.url,
    comments,
    published,
    registry,
    options,
    async call(method, path, token, body, address) {
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(address === undefined ? {} : { "x-test-address": address }),
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        body: JSON.parse(text === "" ? "{}" : text) as Body,
        headers: response.headers,
      };
    },
    async close() {
      await server.stop();
      await comments.close();
      await store.close();
      await members.close();
      await shared.close();
      await log.close();
      if (harness.directory === undefined) rmSync(directory, { recursive: true, force: true });
      if (malformed.length > 0) throw new Error(`not of its form: ${malformed.join("; ")}`);
    },
  };
}

export function membersOf({ options }: Harness): MemberStores {
  if (options.members === undefined) throw new Error("the harness was started without members");
  return options.members;
}

export const testAuthenticate: Authenticate = async (request) => {
  const header = request.headers.get("authorization");
  if (header === null) return undefined;
  const [sub = "", role = "member", pattern] = header.slice("Bearer ".length).split(".");
  if (sub === "forged") throw new Problem("token-invalid");
  return identityNamed(sub, ROLES.find((each) => each === role) ?? "member", pattern);
};

/** What is wrong with the data of an event of a built-in type. */
function problemsOf({ topic, type, data }: Event): string[] {
  const schema = dataSchemaOf(topic, type);
  const problem = schema === undefined ? undefined : problemOfData(schema, JSON.parse(data));
  return problem === undefined ? [] : [`${topic} ${type}: ${problem}`];
}

export function identityNamed(sub: string, role: Role = "member", publish?: string): Identity {
  return {
    sub,
    name: sub.toUpperCase(),
    role,
    videoRoles: {},
    subscribe: [],
    publish: publish === undefined ? [] : [publish],
  };
}
