/**
 * The viewers of a run: some stay, some sit behind a bad network, some come for a moment and go.
 */

import type { Topic } from "@ovation/protocol";
import type { Random } from "../../testing/random.ts";
import type { Door } from "./door.ts";
import type { Recorder } from "./recorder.ts";
import type { Stage } from "./stage.ts";
import type { FaultViewer } from "./viewer.ts";
import { startPlainViewer } from "./viewer-plain.ts";
import { startSdkViewer } from "./viewer-sdk.ts";

export interface AudienceOptions {
  readonly stage: Stage;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly topics: readonly Topic[];
  /** Has the viewers that are counted, and no others. */
  readonly counted: Topic;
  /** A member's own topic, on two devices. */
  readonly member: { readonly topic: Topic; readonly token: string };
  /** At each door. */
  readonly sdk?: number;
  readonly plain?: number;
}

export interface Audience {
  readonly size: number;
  /** Viewers of the counted topic: those that stay. */
  readonly counted: number;
  readonly connected: number;
  /** Resolves when all that stay are connected. */
  ready(): Promise<void>;
  /** Whether all that stay are connected and have the newest number that anybody has. */
  readonly isCaughtUp: () => boolean;
  close(): void;
}

/**
 * At each door. They are not behind the network that is broken: nobody could say when they leave.
 */
const COUNTED = 6;
const READY_MS_MAX = 20_000;
/** Viewers for a moment: a new one this often, for so long. */
const PASSING_EVERY_MS = 3000;
const PASSING_FOR_MS = [2000, 12_000] as const;

export function openAudience(options: AudienceOptions): Audience {
  const { stage, recorder, random, topics, counted, member, sdk = 8, plain = 4 } = options;
  const staying: FaultViewer[] = [];
  const passing = new Set<FaultViewer>();
  let passed = 0;
  let closed = false;

  function start(
    form: "sdk" | "plain",
    name: string,
    url: string,
    own: readonly Topic[],
    token?: string,
  ): FaultViewer {
    const viewer = {
      recorder: recorder.viewer(name, form, own),
      topics: own,
      url,
      token,
      random: random.next,
    };
    return form === "sdk" ? startSdkViewer(viewer) : startPlainViewer(viewer);
  }

  /** Every third one sits behind the network that is broken. */
  function urlOf(door: Door, index: number): string {
    return index % 3 === 1 ? door.farUrl : door.url;
  }

  function somebodyPasses(): void {
    const door = random.choose(stage.doors);
    const form = random.next() < 0.5 ? "sdk" : "plain";
    const viewer = start(form, `passing-${++passed}@${door.name}`, urlOf(door, passed), topics);
    passing.add(viewer);
    setTimeout(
      () => {
        passing.delete(viewer);
        viewer.leave();
      },
      random.between(...PASSING_FOR_MS),
    );
  }

  for (const door of stage.doors) {
    for (let index = 0; index < sdk; index++) {
      const own = index % 2 === 0 ? topics : [random.choose(topics)];
      staying.push(start("sdk", `sdk-${index}@${door.name}`, urlOf(door, index), own));
    }
    for (let index = 0; index < plain; index++)
      staying.push(start("plain", `plain-${index}@${door.name}`, urlOf(door, index), topics));
    for (let index = 0; index < COUNTED; index++) {
      const form = index % 2 === 0 ? "plain" : "sdk";
      staying.push(start(form, `counted-${index}@${door.name}`, door.url, [counted]));
    }
    staying.push(
      start(
        "sdk",
        `phone@${door.name}`,
        door.farUrl,
        [member.topic, ...topics.slice(0, 1)],
        member.token,
      ),
    );
    staying.push(start("plain", `desk@${door.name}`, door.url, [member.topic], member.token));
  }
  const timer = setInterval(somebodyPasses, PASSING_EVERY_MS);

  function newest(): ReadonlyMap<string, number> {
    const heads = new Map<string, number>();
    for (const viewer of staying) {
      for (const [topic, seq] of viewer.recorder.heads)
        heads.set(topic, Math.max(seq, heads.get(topic) ?? 0));
    }
    return heads;
  }

  return {
    counted: COUNTED * stage.doors.length,
    get size() {
      return staying.length + passing.size;
    },
    get connected() {
      return [...staying, ...passing].filter(({ recorder: { isConnected } }) => isConnected).length;
    },
    async ready() {
      const until = recorder.now() + READY_MS_MAX;
      while (!staying.every((viewer) => viewer.recorder.isConnected)) {
        if (recorder.now() > until) throw new Error("the viewers could not connect");
        await Bun.sleep(20);
      }
    },
    isCaughtUp() {
      const heads = newest();
      return staying.every(
        ({ recorder: own }) =>
          own.isConnected && [...own.heads].every(([topic, seq]) => seq === heads.get(topic)),
      );
    },
    close() {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      // Not `leave`: they were there at the end, and what they saw by now is judged.
      for (const viewer of staying) viewer.close();
      for (const viewer of passing) viewer.leave();
    },
  };
}
