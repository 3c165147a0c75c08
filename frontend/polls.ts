/**
 * Long polls: the events of a stream, for clients behind a proxy that buffers streams. The requests
 * of a client belong to one connection, which stays for POLL_PARK_MS between two of them: it is one
 * viewer, keeps its subscriptions and misses nothing meanwhile.
 */

import {
  type Clock,
  type ConnectionId,
  frontendOf,
  type HttpHeaders,
  type Identity,
} from "@ovation/protocol";
import type { Refusal } from "./connections/admission.ts";
import type { ConnectRequest } from "./connections/connections.ts";
import type { Frontend } from "./frontend.ts";
import { PollSession } from "./poll-session.ts";

export interface PollsOptions {
  readonly frontend: Frontend;
  readonly clock: Clock;
}

export class Polls {
  readonly #options: PollsOptions;
  readonly #sessions = new Map<ConnectionId, PollSession>();

  constructor(options: PollsOptions) {
    this.#options = options;
  }

  /**
   * The client's session, if it is here. The id alone does not give access: the member must match.
   */
  find(id: ConnectionId, identity: Identity | undefined): PollSession | undefined {
    const session = this.#sessions.get(id);
    return session?.connection.identity?.sub === identity?.sub ? session : undefined;
  }

  answer(session: PollSession, position: string): Promise<string> {
    this.#options.frontend.counters.polls++;
    return session.poll(position);
  }

  /** `isMoved`: the client had a connection at another frontend, or one that is closed. */
  open(request: ConnectRequest, isMoved = false): PollSession | Refusal {
    const { frontend, clock } = this.#options;
    const connection = frontend.admit(request);
    if (typeof connection === "string") return connection;
    const session = new PollSession({
      connection,
      clock,
      isMoved,
      onGone: () => {
        this.#sessions.delete(connection.id);
        frontend.closed(connection, "left");
      },
    });
    this.#sessions.set(connection.id, session);
    void frontend.open(connection, session, request);
    return session;
  }

  /** The client has a stream now: its polled connection ends, here or at another frontend. */
  replace(id: ConnectionId, connect: ConnectRequest): void {
    const session = this.find(id, connect.identity);
    if (session === undefined) this.leaveElsewhere(id, connect);
    else session.leave();
  }

  /**
   * The client is here now: the frontend that has its old connection drops the subscriptions.
   */
  leaveElsewhere(id: ConnectionId, { topics, identity }: ConnectRequest): void {
    const { frontend } = this.#options;
    if (frontendOf(id) === frontend.id) return;
    frontend
      .change({ connection: id, add: [], remove: topics, sub: identity?.sub ?? "" }, identity)
      // A failure is harmless: the old connection closes within POLL_PARK_MS.
      .catch(() => undefined);
  }
}

/**
 * Whether the client wants a poll: it accepts JSON, and no event stream.
 *
 * [spec] RFC 9110, 12.5.1: a range with `q=0` is not acceptable.
 */
export function wantsPoll(headers: HttpHeaders): boolean {
  const accepted = new Set<string>();
  for (const range of (headers.get("accept") ?? "").toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) accepted.add(type);
  }
  const takesStream = ["text/event-stream", "text/*", "*/*"].some((type) => accepted.has(type));
  return accepted.has("application/json") && !takesStream;
}
