/**
 * Ids of connections: they name their frontend, so that a change of subscriptions finds it from
 * anywhere.
 */

import type { ConnectionId, FrontendId } from "@ovation/protocol";

/**
 * 128 random bits: an id is a capability, so they come from the system and not from the frontend's
 * `random`.
 */
export function createConnectionId(frontend: FrontendId): ConnectionId {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const text = btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .slice(0, 22);
  return `${frontend}.${text}` as ConnectionId;
}
