/** A dispatcher on a real internal listener, over a table, a log and counts that may be shared. */

import { type Log, MemoryLog } from "@ovation/log";
import {
  DEFAULT_POLICY,
  type Event,
  type Policy,
  type Route,
  systemClock,
} from "@ovation/protocol";
import {
  MemorySubscriptionTable,
  MemoryViewerCounts,
  type SubscriptionTable,
  type ViewerCounts,
} from "@ovation/table";
import { Dispatcher } from "../dispatcher.ts";
import { type InternalListener, listenInternal } from "../internal/listener.ts";
import { createRefusals, type InternalRefusals } from "../internal/route.ts";
import { createUpstreamRoutes } from "../internal/upstream-routes.ts";
import { createHttpFrontendCalls } from "../links/frontend-calls-http.ts";
import type { FrontendLinks } from "../links/links.ts";
import { createWebSocketLinks } from "../links/links-websocket.ts";
import { testAuth } from "./internal-frontend.ts";

/** What all dispatchers of a data centre share. */
export interface TestStores {
  readonly table: SubscriptionTable;
  readonly counts: ViewerCounts;
  readonly log: Log;
}

export function testStores(): TestStores {
  return {
    table: new MemorySubscriptionTable(systemClock),
    counts: new MemoryViewerCounts(systemClock),
    log: new MemoryLog({ clock: systemClock, policy: DEFAULT_POLICY }),
  };
}

export interface InternalDispatcher {
  readonly dispatcher: Dispatcher;
  readonly listener: InternalListener;
  readonly links: FrontendLinks;
  readonly refusals: InternalRefusals;
  stop(): Promise<void>;
}

let serial = 0;

export function startInternalDispatcher(
  stores: TestStores,
  options: {
    readonly port?: number;
    readonly policy?: Policy;
    readonly routes?: (dispatcher: Dispatcher, refusals: InternalRefusals) => readonly Route[];
    forward?(events: readonly Event[]): void;
  } = {},
): InternalDispatcher {
  const auth = testAuth();
  const from = `dispatcher d${++serial}`;
  const policy = options.policy ?? DEFAULT_POLICY;
  const refusals = createRefusals();
  const links = createWebSocketLinks({ auth, from, policy, clock: systemClock });
  const { forward } = options;
  const dispatcher = new Dispatcher({
    ...stores,
    clock: systemClock,
    links,
    calls: createHttpFrontendCalls({ auth, from }),
    policy,
    ...(forward === undefined ? {} : { forward }),
    onFailure: () => undefined,
  });
  const listener = listenInternal({
    host: "127.0.0.1",
    port: options.port ?? 0,
    routes: [
      ...createUpstreamRoutes({ auth, refusals, dispatcher }),
      ...(options.routes?.(dispatcher, refusals) ?? []),
    ],
    onFailure: (what, error) => console.error(what, error),
  });
  return {
    dispatcher,
    listener,
    links,
    refusals,
    async stop() {
      await listener.stop();
      await links.close();
    },
  };
}
