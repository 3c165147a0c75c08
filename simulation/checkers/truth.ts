/** The ground truth: what the log committed, what publishers were told, what was counted. */

import type { DurableEvent, JsonText, Topic } from "@ovation/protocol";

interface TopicTruth {
  /** `data` by number; index 0 is number 1. */
  readonly data: JsonText[];
  /** What earlier epochs of the log wrote at a number, before a backup was restored. */
  readonly lost: Map<number, JsonText[]>;
  /** The oldest number within retention. */
  first: number;
  likes: number;
}

export class Truth {
  readonly #topics = new Map<Topic, TopicTruth>();
  /** Acknowledged numbers, by topic. */
  readonly acknowledged = new Map<Topic, Map<number, string>>();
  commits = 0;

  #of(topic: Topic): TopicTruth {
    let truth = this.#topics.get(topic);
    if (truth === undefined) {
      truth = { data: [], lost: new Map(), first: 1, likes: 0 };
      this.#topics.set(topic, truth);
    }
    return truth;
  }

  get topics(): readonly Topic[] {
    return [...this.#topics.keys()];
  }

  committed(event: DurableEvent): void {
    const { data } = this.#of(event.topic);
    if (event.place.seq !== data.length + 1)
      throw new Error(
        `the log gave ${event.topic} the number ${event.place.seq} after ${data.length}`,
      );
    data.push(event.data);
    this.commits++;
  }

  /** How often a backup was restored. */
  restores = 0;

  /** A backup replaced the log: events after `head` are lost, which is no violation. */
  restored(topic: Topic, head: number): void {
    const { data, lost } = this.#of(topic);
    this.restores++;
    for (let seq = data.length; seq > head; seq--) {
      const gone = data.pop();
      if (gone !== undefined) lost.set(seq, [...(lost.get(seq) ?? []), gone]);
      this.acknowledged.get(topic)?.delete(seq);
    }
  }

  /** Whether this is, or in an earlier epoch of the log was, the event with this number. */
  wasEver(topic: Topic, seq: number, data: string): boolean {
    const truth = this.#of(topic);
    return (
      truth.data[seq - 1] === data || (truth.lost.get(seq)?.some((gone) => gone === data) ?? false)
    );
  }

  acknowledge(topic: Topic, seq: number, text: string): void {
    // The response may have been in flight when the backup replaced the log.
    if (
      this.#of(topic)
        .lost.get(seq)
        ?.some((gone) => gone === text) &&
      this.dataOf(topic, seq) !== text
    )
      return;
    const told = this.acknowledged.get(topic) ?? new Map<number, string>();
    told.set(seq, text);
    this.acknowledged.set(topic, told);
  }

  trimmed(topic: Topic, first: number): void {
    const truth = this.#of(topic);
    truth.first = Math.max(truth.first, first);
  }

  liked(topic: Topic, count: number): number {
    const truth = this.#of(topic);
    truth.likes += count;
    return truth.likes;
  }

  head(topic: Topic): number {
    return this.#of(topic).data.length;
  }

  first(topic: Topic): number {
    return this.#of(topic).first;
  }

  likes(topic: Topic): number {
    return this.#of(topic).likes;
  }

  dataOf(topic: Topic, seq: number): JsonText | undefined {
    return this.#of(topic).data[seq - 1];
  }
}
