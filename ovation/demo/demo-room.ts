/**
 * One video's audience. A tick runs a few times a second and does what is due: how many comments
 * and taps chance brings at the present mood, who joins and leaves, whether an event happens. All
 * of it uses the public API and real connections; nothing here touches the server's inside.
 */

import type { Clock, Message } from "@ovation/protocol";
import { createConversation } from "./conversation.ts";
import type { DemoApi } from "./demo-api.ts";
import { HOST } from "./demo-host.ts";
import type { Member } from "./demo-people.ts";
import {
  type DemoVideo,
  MOMENT_EVERY_MS,
  MOMENTS,
  type Moment,
  PIN_EVERY_MS,
} from "./demo-script.ts";
import { enter, type Viewer } from "./demo-viewer.ts";
import { pick } from "./grammar.ts";
import { TICK_MS } from "./limits.ts";
import { unawaited } from "./unawaited.ts";
import type { Writer } from "./writer.ts";

export interface RoomOptions {
  readonly url: string;
  readonly video: DemoVideo;
  readonly host: Member;
  /** Who may come; about four in five are here at a time. */
  readonly people: readonly Member[];
  readonly api: DemoApi;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly random: () => number;
}

export interface Room {
  /** Opens the connections, spread over about `withinMs`. */
  open(withinMs: number): void;
  /** Comments and likes that are there when a visitor opens the page. */
  seed(comments: number): Promise<void>;
  /** From now on the room lives by itself. */
  start(): void;
  stop(): void;
}

/** Of all who may come, how many are here: it swings around this, over minutes. */
const PRESENT = 0.82;
const SWING = 0.12;
const SWING_MS = 170_000;

const LIKE_KINDS = ["like", "like", "like", "like", "love", "love", "wow", "clap"] as const;

export function createRoom(options: RoomOptions): Room {
  const { video, host, people, api, clock, random } = options;
  const present = new Map<Member, Viewer>();
  const timers = new Set<() => void>();
  const conversation = createConversation({ ...options, later, here: () => [...present.keys()] });
  let hostViewer: Viewer | undefined;
  let stopped = false;
  let mood: { readonly moment: Moment; readonly at: number } | undefined;
  let nextMomentAt = 0;
  let nextPinAt = 0;

  /** Runs later, unless the room is closed by then. */
  function later(ms: number, run: () => void): void {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel);
      if (!stopped) run();
    });
    timers.add(cancel);
  }

  function arrive(member: Member): void {
    if (stopped || present.has(member)) return;
    present.set(
      member,
      enter({ url: options.url, videoId: video.id, token: member.token, clock, random }),
    );
  }

  function depart(member: Member): void {
    present.get(member)?.leave();
    present.delete(member);
  }

  /** 1 at the height of a moment, fading to 0. */
  function excitement(now: number): number {
    return mood === undefined ? 0 : Math.exp(-(now - mood.at) / mood.moment.fadeMs);
  }

  function tick(): void {
    const now = clock.now();
    const excited = excitement(now);
    const seconds = TICK_MS / 1000;
    const comments = chance(
      (video.commentsPerSecond + excited * (mood?.moment.comments ?? 0)) * seconds,
    );
    for (let count = 0; count < comments; count++)
      later(random() * TICK_MS, () =>
        conversation.somebodySpeaks(excited, mood?.moment.occasion ?? "burst"),
      );
    const taps = chance((video.likesPerSecond + excited * (mood?.moment.likes ?? 0)) * seconds);
    if (taps > 0) tap(taps);
    comeAndGo(now);
    if (video.eventful && now >= nextMomentAt) begin(now);
    if (now >= nextPinAt) {
      nextPinAt = now + PIN_EVERY_MS;
      unawaited(conversation.pin(HOST.pinned));
    }
    later(TICK_MS, tick);
  }

  /** Taps of one tick leave as one person's, as a thumb's do. */
  function tap(count: number): void {
    const eager = [...present.keys()].filter((member) => member.thumb > random());
    if (eager.length === 0) return;
    unawaited(
      api.like(video.id, pick(LIKE_KINDS, random), Math.min(count, 10), pick(eager, random).token),
    );
  }

  function begin(now: number): void {
    nextMomentAt =
      now + MOMENT_EVERY_MS.least + random() * (MOMENT_EVERY_MS.most - MOMENT_EVERY_MS.least);
    const moment = pickMoment(random);
    unawaited(conversation.hostSays(HOST.moment[moment.kind]));
    // The chat is a breath behind.
    later(900 + random() * 900, () => {
      mood = { moment, at: clock.now() };
    });
  }

  function comeAndGo(now: number): void {
    if (random() > TICK_MS / 4000) return;
    const wanted = Math.round(
      people.length *
        (PRESENT + SWING * Math.sin((now / SWING_MS) * 2 * Math.PI) + (random() - 0.5) * 0.08),
    );
    if (present.size < wanted) {
      const away = people.filter((member) => !present.has(member));
      if (away.length === 0) return;
      const member = pick(away, random);
      arrive(member);
      if (member.talk > 0 && random() < 0.4)
        later(1500 + random() * 4000, () => conversation.arrived(member));
    } else if (present.size > wanted) {
      const member = pick([...present.keys()], random);
      // Regulars stay.
      if (member.regular) return;
      const saysBye = member.talk > 0 && random() < 0.15;
      if (saysBye) conversation.leaving(member);
      later(saysBye ? 3000 : 0, () => depart(member));
    }
  }

  /** A number around `mean`, as independent people make it (Knuth's way, for small means). */
  function chance(mean: number): number {
    const limit = Math.exp(-mean);
    let count = -1;
    for (let product = 1; product > limit; count++) product *= random();
    return count;
  }

  return {
    open(withinMs) {
      hostViewer = enter({
        url: options.url,
        videoId: video.id,
        token: host.token,
        clock,
        random,
        onMessage: onHostMessage,
      });
      const here = Math.round(people.length * PRESENT);
      people.slice(0, here).forEach((member) => {
        later(random() * withinMs, () => arrive(member));
      });
    },

    async seed(comments) {
      await conversation.seed(comments, people.slice(0, Math.round(people.length * PRESENT)));
    },

    start() {
      const now = clock.now();
      nextMomentAt = now + 3_000 + random() * 4_000;
      nextPinAt = now + PIN_EVERY_MS;
      tick();
    },

    stop() {
      stopped = true;
      for (const cancel of timers) cancel();
      timers.clear();
      hostViewer?.leave();
      for (const viewer of present.values()) viewer.leave();
      present.clear();
    },
  };

  function onHostMessage(message: Message): void {
    if (message.type === "comment") conversation.heard(message.data);
  }
}

function pickMoment(random: () => number): Moment {
  const all = MOMENTS.reduce((sum, moment) => sum + moment.weight, 0);
  let left = random() * all;
  for (const moment of MOMENTS) {
    left -= moment.weight;
    if (left <= 0) return moment;
  }
  return pick(MOMENTS, random);
}
