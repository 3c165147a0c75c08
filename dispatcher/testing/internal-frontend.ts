/** A frontend's internal listener and link receiver on real sockets, and what arrived. */

import type { Inbox } from "@ovation/frontend";
import { type Event, systemClock } from "@ovation/protocol";
import { createInternalAuth, type InternalAuth } from "../internal/auth.ts";
import { type InternalListener, listenInternal } from "../internal/listener.ts";
import { createRefusals, type InternalRefusals } from "../internal/route.ts";
import { createFrontendCredential, type FrontendCredential } from "../links/frontend-credential.ts";
import { createLinkReceiver, type LinkReceiver } from "../links/receiver.ts";

export const TEST_SECRET = "the secret of these tests";

export function testAuth(secret: string = TEST_SECRET): InternalAuth {
  return createInternalAuth({ secrets: [secret], clock: systemClock });
}

export interface InternalFrontend {
  readonly credential: FrontendCredential;
  readonly listener: InternalListener;
  readonly receiver: LinkReceiver;
  readonly refusals: InternalRefusals;
  readonly received: Event[];
}

export function startInternalFrontend(
  options: {
    readonly port?: number;
    readonly credential?: FrontendCredential;
    /** Where events go as well. */
    readonly inbox?: Inbox;
  } = {},
): InternalFrontend {
  const credential = options.credential ?? createFrontendCredential();
  const received: Event[] = [];
  const refusals = createRefusals();
  const receiver = createLinkReceiver({
    auth: testAuth(),
    frontend: credential.id,
    inbox: {
      dispatch(events) {
        received.push(...events);
        options.inbox?.dispatch(events);
      },
    },
    refusals,
  });
  const listener = listenInternal({
    host: "127.0.0.1",
    port: options.port ?? 0,
    routes: [],
    link: receiver,
    onFailure: (what, error) => console.error(what, error),
  });
  return { credential, listener, receiver, refusals, received };
}
