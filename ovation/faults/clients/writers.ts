/** The publishers and likers of a run. */

import type { Topic } from "@ovation/protocol";
import type { Random } from "../../../testing/random.ts";
import type { Recorder } from "../history/recorder.ts";
import { LIKED_TOPICS, MEMBER_TOPIC, TOPICS } from "../run-topics.ts";
import type { Stage } from "../stages/stage.ts";
import { Liker } from "./liker.ts";
import { Publisher, type PublisherOptions } from "./publisher.ts";

export interface WritersOptions {
  readonly stage: Stage;
  readonly recorder: Recorder;
  readonly random: Random;
  /** Of a publisher. */
  readonly token: string;
}

interface Writer {
  readonly name: string;
  readonly writer: { finish(): Promise<boolean> };
}

const REMOVE_PERCENT = 4;

/** At each door: name, topic, form, and mean wait between two events, ms. */
const PUBLISHERS: readonly (readonly [
  string,
  Topic | undefined,
  PublisherOptions["form"],
  number,
])[] = [
  ["ben", TOPICS[0], "comment", 60],
  ["cleo", TOPICS[1], "comment", 80],
  ["dan", TOPICS[0], "comment", 200],
  ["scores", TOPICS[1], "durable", 100],
  ["ticker", TOPICS[0], "live", 60],
  ["clock", TOPICS[2], "live", 100],
  ["mail", MEMBER_TOPIC, "durable", 300],
];

export class Writers {
  readonly #writers: readonly Writer[];

  constructor({ stage, recorder, random, token }: WritersOptions) {
    const publishers = stage.doors.flatMap((door) =>
      PUBLISHERS.map(([own, topic = "", form, everyMs]): Writer => {
        const name = `${own}@${door.name}`;
        const common = { recorder, url: door.url, token, random: random.next };
        const rest = { name, topic, form, everyMs, removePercent: REMOVE_PERCENT };
        return { name, writer: new Publisher({ ...common, ...rest }) };
      }),
    );
    const likers = stage.likers.map(
      (process): Writer => ({
        name: `likes at ${process.name}`,
        writer: new Liker({ recorder, process, topics: LIKED_TOPICS, random }),
      }),
    );
    this.#writers = [...publishers, ...likers];
  }

  /** Stops all after one more write of each, and returns the names of those that were refused. */
  async finish(): Promise<readonly string[]> {
    const finished = await Promise.all(
      this.#writers.map(async ({ name, writer }) => ((await writer.finish()) ? [] : [name])),
    );
    return finished.flat();
  }
}
