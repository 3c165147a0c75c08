/**
 * The viewers of a run: some stay, some sit behind a bad network, some stay for a moment only.
 */

import type { Topic } from "@ovation/protocol";
import type { Random } from "../../../testing/random.ts";
import type { Recorder } from "../history/recorder.ts";
import type { Door } from "../stages/door.ts";
import type { Stage } from "../stages/stage.ts";
import { openViewer } from "./open-viewer.ts";
import type { FaultViewer } from "./viewer.ts";

export interface AudienceOptions {
  readonly stage: Stage;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly topics: readonly Topic[];
  /** Subscribed by the counted viewers only. */
  readonly counted: Topic;
  /** A member's own topic, on two devices. */
  readonly member: { readonly topic: Topic; readonly token: string };
  /** At each door. */
  readonly sdk?: number;
  readonly plain?: number;
}

/**
 * At each door. They are not behind the network that is broken, which would hide when they leave.
 */
const COUNTED = 6;
const READY_MS_MAX = 20_000;
/** Viewers for a moment: a new one this often, for so long. */
const PASSING_EVERY_MS = 3000;
const PASSING_FOR_MS = [2000, 12_000] as const;

export class Audience {
  /** Viewers of the counted topic: those that stay. */
  readonly counted: number;
  readonly #options: AudienceOptions;
  readonly #staying: FaultViewer[] = [];
  readonly #passing = new Set<FaultViewer>();
  readonly #timer: ReturnType<typeof setInterval>;
  #passed = 0;
  #isClosed = false;

  constructor(options: AudienceOptions) {
    this.#options = options;
    this.counted = COUNTED * options.stage.doors.length;
    for (const door of options.stage.doors) this.#fill(door);
    this.#timer = setInterval(() => this.#pass(), PASSING_EVERY_MS);
  }

  get size(): number {
    return this.#staying.length + this.#passing.size;
  }

  get connected(): number {
    return [...this.#staying, ...this.#passing].filter(({ recorder }) => recorder.isConnected)
      .length;
  }

  /** Resolves when all that stay are connected. */
  async ready(): Promise<void> {
    const { recorder } = this.#options;
    const until = recorder.now() + READY_MS_MAX;
    while (!this.#staying.every((viewer) => viewer.recorder.isConnected)) {
      if (recorder.now() > until) throw new Error("the viewers could not connect");
      await Bun.sleep(20);
    }
  }

  /** Whether all that stay are connected and have the newest number that any of them has. */
  isCaughtUp(): boolean {
    const heads = this.#newest();
    return this.#staying.every(
      ({ recorder }) =>
        recorder.isConnected &&
        [...recorder.heads].every(([topic, seq]) => seq === heads.get(topic)),
    );
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    // Not `leave`: they were present at the end, and what they saw by now is judged.
    for (const viewer of this.#staying) viewer.close();
    for (const viewer of this.#passing) viewer.leave();
  }

  /** Opens the viewers that stay. */
  #fill(door: Door): void {
    const { random, topics, counted, member, sdk = 8, plain = 4 } = this.#options;
    const stay = (
      form: "sdk" | "plain",
      name: string,
      url: string,
      own: readonly Topic[],
      token?: string,
    ) => this.#staying.push(this.#open(form, `${name}@${door.name}`, url, own, token));
    for (let index = 0; index < sdk; index++) {
      const own = index % 2 === 0 ? topics : [random.choose(topics)];
      stay("sdk", `sdk-${index}`, urlOf(door, index), own);
    }
    for (let index = 0; index < plain; index++)
      stay("plain", `plain-${index}`, urlOf(door, index), topics);
    for (let index = 0; index < COUNTED; index++)
      stay(index % 2 === 0 ? "plain" : "sdk", `counted-${index}`, door.url, [counted]);
    const phone = [member.topic, ...topics.slice(0, 1)];
    stay("sdk", "phone", door.farUrl, phone, member.token);
    stay("plain", "desk", door.url, [member.topic], member.token);
  }

  /** Opens a viewer for a moment. */
  #pass(): void {
    const { stage, random, topics } = this.#options;
    const door = random.choose(stage.doors);
    const form = random.next() < 0.5 ? "sdk" : "plain";
    const name = `passing-${++this.#passed}@${door.name}`;
    const viewer = this.#open(form, name, urlOf(door, this.#passed), topics);
    this.#passing.add(viewer);
    setTimeout(
      () => {
        this.#passing.delete(viewer);
        viewer.leave();
      },
      random.between(...PASSING_FOR_MS),
    );
  }

  #open(
    form: "sdk" | "plain",
    name: string,
    url: string,
    topics: readonly Topic[],
    token?: string,
  ): FaultViewer {
    const { recorder, random } = this.#options;
    const own = recorder.viewer(name, form, topics);
    return openViewer(form, { recorder: own, topics, url, token, random: random.next });
  }

  #newest(): ReadonlyMap<string, number> {
    const heads = new Map<string, number>();
    for (const { recorder } of this.#staying)
      for (const [topic, seq] of recorder.heads)
        heads.set(topic, Math.max(seq, heads.get(topic) ?? 0));
    return heads;
  }
}

/** Every third viewer sits behind the network that is broken. */
function urlOf(door: Door, index: number): string {
  return index % 3 === 1 ? door.farUrl : door.url;
}
