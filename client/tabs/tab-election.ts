/**
 * The election of the tab that leads a group. A new tab announces itself as leader at once; an
 * existing leader replies within the time in which a new leader only listens, and the new tab
 * follows. A leader that leaves, crashes or does not reply is succeeded in a higher term.
 *
 * Invariants: of two leaders that receive each other's messages one steps down. Nothing depends on
 * a lock: a released lock only triggers the check sooner. Two leaders for a while cost one more
 * connection.
 */

import type { StreamEnvironment } from "../stream/stream.ts";
import type { LeaderMessage, Leadership, TabGroup, TabMessage, TabWants } from "./tab-group.ts";
import { TabLeader } from "./tab-leader.ts";

/** A leader that does not reply for this long is frozen or dead, ms. */
const REPLY_MS = 3_000;
/** The same where the browser reports that its lock is free, ms. */
const FREED_REPLY_MS = 100;
/** How often a tab checks its leader: where the browser reports its end, and where not, ms. */
const CHECK_MS = { reported: 15_000, unreported: 2_000 };
/**
 * A timer this late means that the page slept or was throttled: its messages may be pending, ms.
 */
const LATE_MS = 1_000;

export class TabElection {
  readonly #name: string;
  readonly #environment: StreamEnvironment;
  readonly #group: TabGroup;
  readonly #onMessage: (message: LeaderMessage) => void;
  readonly #channel: ReturnType<TabGroup["join"]>;
  readonly #release: () => void;
  /** The current one: this tab's own while it leads. */
  #leadership: Leadership | undefined;
  #leader: TabLeader | undefined;
  #highestTerm = 0;
  /** When the leader was asked and has not replied yet. */
  #askedAt: number | undefined;
  #cancelCheck: (() => void) | undefined;
  #stopWatching: (() => void) | undefined;

  /**
   * `onMessage` gets the leader's messages, also this tab's own. Throws where the browser has no
   * channel.
   */
  constructor(
    name: string,
    environment: StreamEnvironment,
    group: TabGroup,
    onMessage: (message: LeaderMessage) => void,
  ) {
    this.#name = name;
    this.#environment = environment;
    this.#group = group;
    this.#onMessage = onMessage;
    this.#channel = group.join(name, (message) => this.#receive(message));
    this.#release = group.hold(`${name}/${group.tab}`);
  }

  /** This tab's, while it leads. */
  get leader(): TabLeader | undefined {
    return this.#leader;
  }

  announce(wants: TabWants): void {
    if (this.#leadership === undefined) this.#lead(0);
    if (this.#leader === undefined) this.#channel.post(wants);
    else this.#leader.receive(wants);
  }

  /** Checks now that there is a leader. */
  check(replyMs = REPLY_MS): void {
    const { clock } = this.#environment;
    this.#cancelCheck?.();
    if (this.#leader !== undefined) {
      // So that two leaders without followers find each other.
      this.#leader.announce();
      this.#checkLater();
      return;
    }
    this.#askedAt = clock.now();
    this.#channel.post({ kind: "ask", tab: this.#group.tab });
    this.#cancelCheck = clock.after(replyMs, () => {
      if (clock.now() - (this.#askedAt ?? 0) > replyMs + LATE_MS) this.check();
      else this.#lead(this.#highestTerm + 1);
    });
  }

  leave(): void {
    this.#cancelCheck?.();
    this.#stopWatching?.();
    this.#leader?.close();
    this.#leader = undefined;
    this.#channel.post({ kind: "left", tab: this.#group.tab });
    this.#channel.leave();
    this.#release();
  }

  #receive(message: TabMessage): void {
    switch (message.kind) {
      case "wants":
        this.#leader?.receive(message);
        break;
      case "ask":
        this.#leader?.asked(message.tab);
        break;
      case "left":
        this.#leader?.drop(message.tab);
        if (this.#leader === undefined && this.#leadership?.tab === message.tab)
          this.#lead(this.#highestTerm + 1);
        break;
      case "led":
        this.#receiveFromLeader(message.by, message.message);
        break;
    }
  }

  #receiveFromLeader(by: Leadership, message: LeaderMessage): void {
    const current = this.#leadership;
    this.#highestTerm = Math.max(this.#highestTerm, by.term);
    if (current !== undefined && outranks(current, by)) {
      // The other learns from the reply that it is outranked.
      this.#leader?.announce();
      return;
    }
    if (this.#askedAt !== undefined) this.#checkLater();
    if (current === undefined || outranks(by, current)) this.#follow(by);
    else if (message.kind === "lead") this.#onMessage(message);
    if (message.kind !== "lead") this.#onMessage(message);
  }

  #follow(leadership: Leadership): void {
    this.#leader?.close();
    this.#leader = undefined;
    this.#leadership = leadership;
    this.#stopWatching?.();
    this.#stopWatching = this.#group.watch(`${this.#name}/${leadership.tab}`, () =>
      this.check(FREED_REPLY_MS),
    );
    this.#onMessage({ kind: "lead" });
  }

  #lead(term: number): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    this.#highestTerm = Math.max(this.#highestTerm, term);
    const since = this.#environment.clock.now();
    const leadership: Leadership = { term, since, tab: this.#group.tab };
    this.#leadership = leadership;
    const emit = (message: LeaderMessage) => {
      if (this.#leadership !== leadership) return;
      this.#channel.post({ kind: "led", by: leadership, message });
      this.#onMessage(message);
    };
    this.#leader = new TabLeader(this.#environment, this.#group, this.#name, emit);
    emit({ kind: "lead" });
    this.#checkLater();
  }

  #checkLater(): void {
    this.#askedAt = undefined;
    this.#cancelCheck?.();
    this.#cancelCheck = this.#environment.clock.after(
      this.#group.reportsEnds ? CHECK_MS.reported : CHECK_MS.unreported,
      () => this.check(),
    );
  }
}

function outranks(one: Leadership, other: Leadership): boolean {
  if (one.term !== other.term) return one.term > other.term;
  if (one.since !== other.since) return one.since < other.since;
  return one.tab < other.tab;
}
