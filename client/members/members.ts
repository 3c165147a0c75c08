/**
 * The API of a signed-in member: `docs/members.md` with types. Separate from the client, so that
 * pages without members do not load it: `import { createMembers } from "@ovation/client/members"`.
 *
 * Events come by `client.subscribe("member:{own id}", { message, receipt, typing, presence,
 * notification })`: durable ones once and in order on every device, through any reconnects. The
 * server adds the topic to the connection itself; subscribing registers callbacks.
 */

import { TYPING_INTERVAL_MS } from "../limits.ts";
import { newClientId } from "../requests/request.ts";
import type { Client } from "../types.ts";
import type {
  ConversationsPage,
  Cursors,
  Message,
  MessagesPage,
  Notice,
  Person,
  PresenceStatus,
} from "./member-types.ts";

export type * from "./member-types.ts";

/** Every method rejects with an `ApiError`. */
export interface MembersApi {
  /** The newest first; `before` is the `at` of the last one of the page before. */
  conversations(options?: {
    readonly before?: number;
    readonly limit?: number;
    /** The `next` of the page before. */
    readonly cursor?: string;
  }): Promise<ConversationsPage>;
  /** One's own notifications, ascending: the newest page, or the one before the number `before`. */
  notifications(options?: {
    readonly before?: number;
    readonly limit?: number;
  }): Promise<{ readonly notifications: readonly Notice[]; readonly head: number }>;
  /** The conversation with one member; it begins with its first message. */
  conversation(other: string): ConversationApi;
  /** Members that one has blocked. */
  blocked(): Promise<readonly Person[]>;
}

export interface ConversationApi {
  /** The other's id. */
  readonly other: string;
  /**
   * `clientId` makes a retry harmless; generated where absent. Resolves after the message is
   * stored.
   */
  send(text: string, options?: { readonly clientId?: string }): Promise<Message>;
  history(options?: {
    readonly after?: number;
    readonly before?: number;
    readonly limit?: number;
  }): Promise<MessagesPage>;
  /** Reports the number of a message as read. Numbers only rise. Resolves with the present one. */
  receipt(cursors: Partial<Cursors>): Promise<Cursors>;
  /** For every key press: sent at most once in `TYPING_INTERVAL_MS`. `false` ends it at once. */
  typing(on?: boolean): Promise<void>;
  presence(): Promise<PresenceStatus>;
  /** A blocked member can neither write nor see presence. */
  block(blocked?: boolean): Promise<void>;
}

/** `now` is a clock in ms, for tests. */
export function createMembers(client: Client, now: () => number = Date.now): MembersApi {
  return {
    async conversations(options = {}) {
      return (await client.request(
        "GET",
        `/v1/conversations?${queryOf(options)}`,
      )) as ConversationsPage;
    },
    async notifications(options = {}) {
      const page = await client.request("GET", `/v1/notifications?${queryOf(options)}`);
      return page as Awaited<ReturnType<MembersApi["notifications"]>>;
    },
    conversation: (other) => createConversation(client, now, other),
    async blocked() {
      const { members } = (await client.request("GET", "/v1/blocks")) as {
        readonly members: readonly Person[];
      };
      return members;
    },
  };
}

function createConversation(client: Client, now: () => number, other: string): ConversationApi {
  const path = `/v1/members/${encodeURIComponent(other)}`;
  let toldAt = Number.NEGATIVE_INFINITY;

  return {
    other,
    async send(text, { clientId = newClientId() } = {}) {
      // A message ends typing, and the next key press is sent at once.
      toldAt = Number.NEGATIVE_INFINITY;
      return (await client.request("POST", `${path}/messages`, {
        body: { text, clientId },
        persist: true,
      })) as Message;
    },
    async history(options = {}) {
      return (await client.request("GET", `${path}/messages?${queryOf(options)}`)) as MessagesPage;
    },
    async receipt(cursors) {
      return (await client.request("POST", `${path}/receipts`, {
        body: cursors,
        persist: true,
      })) as Cursors;
    },
    async typing(on = true) {
      const told = now() - toldAt < TYPING_INTERVAL_MS;
      if (on ? told : toldAt === Number.NEGATIVE_INFINITY) return;
      toldAt = on ? now() : Number.NEGATIVE_INFINITY;
      await client.request("POST", `${path}/typing`, { body: { typing: on } });
    },
    async presence() {
      return (await client.request("GET", `${path}/presence`)) as PresenceStatus;
    },
    async block(blocked = true) {
      await client.request(blocked ? "PUT" : "DELETE", `${path}/block`, { persist: true });
    },
  };
}

function queryOf(options: Readonly<Record<string, number | string | undefined>>): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(options))
    if (value !== undefined) parameters.set(name, String(value));
  return parameters;
}
