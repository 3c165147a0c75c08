/** Branded identifiers that travel between processes. */

declare const connectionBrand: unique symbol;
declare const frontendBrand: unique symbol;

/**
 * One open SSE response. `<frontend id>.<128 random bits>`: the id names the frontend that holds
 * it.
 */
export type ConnectionId = string & { readonly [connectionBrand]: true };

/**
 * One incarnation of a frontend process: new at every start, so that the rows and connections of a
 * dead process are never mistaken for its successor's.
 */
export type FrontendId = string & { readonly [frontendBrand]: true };

const FRONTEND_ID = /^[a-z0-9]{6,16}$/;
const CONNECTION_ID = /^[a-z0-9]{6,16}\.[A-Za-z0-9_-]{22}$/;

export function parseFrontendId(text: string): FrontendId | undefined {
  return FRONTEND_ID.test(text) ? (text as FrontendId) : undefined;
}

export function parseConnectionId(text: string): ConnectionId | undefined {
  return CONNECTION_ID.test(text) ? (text as ConnectionId) : undefined;
}

/** The frontend that holds the connection. */
export function frontendOf(connection: ConnectionId): FrontendId {
  return connection.slice(0, connection.indexOf(".")) as FrontendId;
}

/** A new frontend id from random bytes (at least 5). */
export function frontendIdFrom(random: Uint8Array): FrontendId {
  let text = "";
  for (const byte of random.subarray(0, 8)) text += (byte % 36).toString(36);
  const id = parseFrontendId(text);
  if (id === undefined) throw new Error("a frontend id needs at least 6 random bytes");
  return id;
}
