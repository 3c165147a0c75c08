/**
 * One video's audience. A tick runs a few times a second and does what is due: how many comments
 * and taps chance brings at the present mood, who joins and leaves, whether an event happens. All
 * of it uses the public API and real connections; nothing here touches the server's inside.
 */

import type { Clock, Message } from "@ovation/protocol";
import { Conversation } from "./conversation.ts";
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

/** Of all who may come, how many are here: it swings around this, over minutes. */
const PRESENT = 0.82;
const SWING = 0.12;
const SWING_MS = 170_000;

const LIKE_KINDS = ["like", "like", "like", "like", "love", "love", "wow", "clap"] as const;

export class Room {
  readonly #options: RoomOptions;
  readonly #present = new Map<Member, Viewer>();
  readonly #timers = new Set<() => void>();
  readonly #conversation: Conversation;
  #hostViewer: Viewer | undefined;
  #isStopped = false;
  #mood: { readonly moment: Moment; readonly at: number } | undefined;
  #nextMomentAt = 0;
  #nextPinAt = 0;

  constructor(options: RoomOptions) {
    this.#options = options;
    this.#conversation = new Conversation({
      ...options,
      later: (ms, run) => this.#later(ms, run),
      here: () => [...this.#present.keys()],
    });
  }

  /** Opens the connections, spread over about `withinMs`. */
  open(withinMs: number): void {
    const { host, people, random } = this.#options;
    this.#hostViewer = this.#enter(host, ({ type, data }) => {
      if (type === "comment") this.#conversation.heard(data);
    });
    for (const member of people.slice(0, Math.round(people.length * PRESENT)))
      this.#later(random() * withinMs, () => this.#arrive(member));
  }

  /** Comments and likes that are there when a visitor opens the page. */
  async seed(comments: number): Promise<void> {
    const { people } = this.#options;
    await this.#conversation.seed(comments, people.slice(0, Math.round(people.length * PRESENT)));
  }

  /** From now on the room lives by itself. */
  start(): void {
    const { clock, random } = this.#options;
    const now = clock.now();
    this.#nextMomentAt = now + 3_000 + random() * 4_000;
    this.#nextPinAt = now + PIN_EVERY_MS;
    this.#tick();
  }

  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#hostViewer?.leave();
    for (const viewer of this.#present.values()) viewer.leave();
    this.#present.clear();
  }

  /** Runs later, unless the room is closed by then. */
  #later(ms: number, run: () => void): void {
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(cancel);
      if (!this.#isStopped) run();
    });
    this.#timers.add(cancel);
  }

  #enter({ token }: Member, onMessage?: (message: Message) => void): Viewer {
    const { url, video, clock, random } = this.#options;
    const heard = onMessage === undefined ? {} : { onMessage };
    return enter({ url, videoId: video.id, token, clock, random, ...heard });
  }

  #arrive(member: Member): void {
    if (this.#isStopped || this.#present.has(member)) return;
    this.#present.set(member, this.#enter(member));
  }

  #depart(member: Member): void {
    this.#present.get(member)?.leave();
    this.#present.delete(member);
  }

  /** 1 at the height of a moment, fading to 0. */
  #excitement(now: number): number {
    if (this.#mood === undefined) return 0;
    return Math.exp(-(now - this.#mood.at) / this.#mood.moment.fadeMs);
  }

  #tick(): void {
    const { video, clock, random } = this.#options;
    const now = clock.now();
    const excited = this.#excitement(now);
    const moment = this.#mood?.moment;
    const seconds = TICK_MS / 1000;
    const comments = (video.commentsPerSecond + excited * (moment?.comments ?? 0)) * seconds;
    for (let count = chance(comments, random); count > 0; count--)
      this.#later(random() * TICK_MS, () =>
        this.#conversation.speak(excited, moment?.occasion ?? "burst"),
      );
    const likes = (video.likesPerSecond + excited * (moment?.likes ?? 0)) * seconds;
    this.#tap(chance(likes, random));
    this.#comeAndGo(now);
    if (video.eventful && now >= this.#nextMomentAt) this.#begin(now);
    if (now >= this.#nextPinAt) {
      this.#nextPinAt = now + PIN_EVERY_MS;
      unawaited(this.#conversation.pin(HOST.pinned));
    }
    this.#later(TICK_MS, () => this.#tick());
  }

  /** Taps of one tick leave as one person's, as a thumb's do. */
  #tap(count: number): void {
    const { video, api, random } = this.#options;
    const eager = [...this.#present.keys()].filter((member) => member.thumb > random());
    if (count === 0 || eager.length === 0) return;
    const { token } = pick(eager, random);
    unawaited(api.like(video.id, pick(LIKE_KINDS, random), Math.min(count, 10), token));
  }

  #begin(now: number): void {
    const { clock, random } = this.#options;
    const { least, most } = MOMENT_EVERY_MS;
    this.#nextMomentAt = now + least + random() * (most - least);
    const moment = pickMoment(random);
    unawaited(this.#conversation.hostSays(HOST.moment[moment.kind]));
    // The chat is a breath behind.
    this.#later(900 + random() * 900, () => {
      this.#mood = { moment, at: clock.now() };
    });
  }

  #comeAndGo(now: number): void {
    const { people, random } = this.#options;
    if (random() > TICK_MS / 4000) return;
    const share = PRESENT + SWING * Math.sin((now / SWING_MS) * 2 * Math.PI);
    const wanted = Math.round(people.length * (share + (random() - 0.5) * 0.08));
    if (this.#present.size < wanted) this.#letArrive();
    else if (this.#present.size > wanted) this.#letDepart();
  }

  #letArrive(): void {
    const { people, random } = this.#options;
    const away = people.filter((member) => !this.#present.has(member));
    if (away.length === 0) return;
    const member = pick(away, random);
    this.#arrive(member);
    if (member.talk > 0 && random() < 0.4)
      this.#later(1500 + random() * 4000, () => this.#conversation.arrived(member));
  }

  #letDepart(): void {
    const { random } = this.#options;
    const member = pick([...this.#present.keys()], random);
    // Regulars stay.
    if (member.regular) return;
    const saysBye = member.talk > 0 && random() < 0.15;
    if (saysBye) this.#conversation.leaving(member);
    this.#later(saysBye ? 3000 : 0, () => this.#depart(member));
  }
}

/** A number around `mean`, as independent people make it (Knuth's way, for small means). */
function chance(mean: number, random: () => number): number {
  const limit = Math.exp(-mean);
  let count = -1;
  for (let product = 1; product > limit; count++) product *= random();
  return count;
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
