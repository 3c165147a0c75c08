/**
 * The election of the tab that leads a group. A new tab announces itself as leader at once; an
 * existing leader answers within the time in which a new leader only listens, and the newcomer
 * follows. A leader that leaves, dies or does not answer is succeeded in a higher term.
 *
 * Invariants: of two leaders that hear each other one steps down. Nothing depends on a lock: a
 * released lock only triggers the check sooner. Two leaders for a while cost one more connection.
 */

import type { StreamEnvironment } from "../stream/stream.ts";
import type { Claim, LeaderMessage, TabGroup, TabMessage, TabWants } from "./tab-group.ts";
import { createTabLeader, type TabLeader } from "./tab-leader.ts";

/** A leader that does not answer for this long is frozen or dead, ms. */
const LEADER_ANSWER_MS = 3_000;
/** The same where the browser reports that its lock is free, ms. */
const FREED_ANSWER_MS = 100;
/** How often a tab checks its leader: where the browser reports its end, and where not, ms. */
const CHECK_MS = { told: 15_000, untold: 2_000 };
/**
 * A timer this late means that the page slept or was throttled: its messages may be pending, ms.
 */
const LATE_MS = 1_000;

export interface Membership {
  /** This tab's, while it leads. */
  readonly leader: TabLeader | undefined;
  tell(wants: TabWants): void;
  /** Checks now that there is a leader. */
  check(): void;
  leave(): void;
}

/**
 * `onMessage` gets the leader's messages, also this tab's own. Throws where the browser has no
 * channel.
 */
export function joinGroup(
  name: string,
  environment: StreamEnvironment,
  group: TabGroup,
  onMessage: (message: LeaderMessage) => void,
): Membership {
  const { clock } = environment;
  /** The leader: this tab's own announcement while it leads. */
  let known: Claim | undefined;
  let leader: TabLeader | undefined;
  let highestTerm = 0;
  /** When the leader was asked and has not answered yet. */
  let askedAt: number | undefined;
  let cancelCheck: (() => void) | undefined;
  let stopWatching: (() => void) | undefined;

  const { post, leave } = group.join(name, hear);
  const release = group.hold(`${name}/${group.tab}`);

  function hear(message: TabMessage): void {
    switch (message.kind) {
      case "wants":
        leader?.hear(message);
        break;
      case "ask":
        leader?.asked(message.tab);
        break;
      case "left":
        leader?.drop(message.tab);
        if (leader === undefined && known?.tab === message.tab) lead(highestTerm + 1);
        break;
      case "led":
        led(message.by, message.message);
        break;
    }
  }

  function led(by: Claim, message: LeaderMessage): void {
    highestTerm = Math.max(highestTerm, by.term);
    if (known !== undefined && outranks(known, by)) {
      // The other learns from the answer that it is outranked.
      leader?.say();
      return;
    }
    if (askedAt !== undefined) checkLater();
    if (known === undefined || outranks(by, known)) follow(by);
    else if (message.kind === "lead") onMessage(message);
    if (message.kind !== "lead") onMessage(message);
  }

  function follow(by: Claim): void {
    leader?.close();
    leader = undefined;
    known = by;
    stopWatching?.();
    stopWatching = group.watch(`${name}/${by.tab}`, () => check(FREED_ANSWER_MS));
    onMessage({ kind: "lead" });
  }

  function lead(term: number): void {
    stopWatching?.();
    stopWatching = undefined;
    highestTerm = Math.max(highestTerm, term);
    const claim: Claim = { term, since: clock.now(), tab: group.tab };
    known = claim;
    const emit = (message: LeaderMessage) => {
      if (known !== claim) return;
      post({ kind: "led", by: claim, message });
      onMessage(message);
    };
    leader = createTabLeader(environment, group, name, emit);
    emit({ kind: "lead" });
    checkLater();
  }

  function check(answerMs = LEADER_ANSWER_MS): void {
    cancelCheck?.();
    askedAt = clock.now();
    if (leader === undefined) post({ kind: "ask", tab: group.tab });
    else {
      // So that two leaders without followers find each other.
      leader.say();
      checkLater();
      return;
    }
    cancelCheck = clock.after(answerMs, () => {
      if (clock.now() - (askedAt ?? 0) > answerMs + LATE_MS) check();
      else lead(highestTerm + 1);
    });
  }

  function checkLater(): void {
    askedAt = undefined;
    cancelCheck?.();
    cancelCheck = clock.after(group.tellsEnds ? CHECK_MS.told : CHECK_MS.untold, check);
  }

  return {
    get leader() {
      return leader;
    },
    tell(wants) {
      if (known === undefined) lead(0);
      if (leader === undefined) post(wants);
      else leader.hear(wants);
    },
    check: () => check(),
    leave() {
      cancelCheck?.();
      stopWatching?.();
      leader?.close();
      leader = undefined;
      post({ kind: "left", tab: group.tab });
      leave();
      release();
    },
  };
}

function outranks(one: Claim, other: Claim): boolean {
  if (one.term !== other.term) return one.term > other.term;
  if (one.since !== other.since) return one.since < other.since;
  return one.tab < other.tab;
}
