/**
 * What is published during a run: comments that are retried until acknowledged, live events, likes,
 * and bursts.
 */

import { type Topic, toJsonText } from "@ovation/protocol";
import type { Audience } from "./audience.ts";
import type { Cluster } from "./cluster.ts";
import { Node, Place } from "./node.ts";
import { post } from "./processes/comments-process.ts";
import type { World } from "./world.ts";

export class Traffic {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #audience: Audience;
  readonly #poster: Node;
  #count = 0;
  #over = false;
  /** Posts without an acknowledgement so far. */
  open = 0;

  constructor(world: World, cluster: Cluster, audience: Audience) {
    this.#world = world;
    this.#cluster = cluster;
    this.#audience = audience;
    this.#poster = new Node(new Place("A", "viewer", "poster"), world.timeline);
    const { settings } = world;
    this.#every(settings.durableEveryMs, () => this.#durable());
    this.#every(settings.liveEveryMs, () => this.#live());
    this.#every(settings.chaosMs / 2, () => this.#burst());
  }

  /** Stops publishing, except retries. */
  end(): void {
    this.#over = true;
  }

  /** One durable event and one like for each topic: missing ones are detected by them. */
  sweep(): void {
    for (const topic of this.#audience.topics) {
      this.post(topic);
      this.#like(topic);
    }
  }

  #every(meanMs: number, run: () => void): void {
    const { timeline, random } = this.#world;
    timeline.after(random.exponential(meanMs), () => {
      if (this.#over) return;
      run();
      this.#every(meanMs, run);
    });
  }

  #topic(): Topic {
    const { random } = this.#world;
    return random.choose(random.chance(0.8) ? this.#audience.videos : this.#audience.topics);
  }

  #durable(): void {
    const { random } = this.#world;
    const topic = this.#topic();
    for (let count = random.chance(0.2) ? random.integer(2, 8) : 1; count > 0; count--)
      this.post(topic);
  }

  post(topic: Topic): void {
    this.open++;
    const type = topic.startsWith("member:") ? "message" : "comment";
    post(this.#world, this.#cluster, this.#poster, topic, type, `text ${++this.#count}`).then(
      () => {
        this.open--;
      },
      (error: unknown) => this.#world.verdict.fail("crash", `a post ended with ${String(error)}`),
    );
  }

  #live(): void {
    const { random } = this.#world;
    const topic = this.#topic();
    if (random.chance(0.5)) this.#like(topic);
    else this.#goal(topic);
  }

  #like(topic: Topic): void {
    const { random, truth } = this.#world;
    const like = random.integer(1, 20);
    const data = toJsonText({ like, total: { like: truth.liked(topic, like) } });
    const comments = random.pick(this.#cluster.comments);
    comments?.live({ topic, type: "likes", at: comments.node.clock.now(), data });
  }

  #goal(topic: Topic): void {
    const comments = this.#world.random.pick(this.#cluster.comments);
    comments?.live({
      topic,
      type: "goal",
      at: comments.node.clock.now(),
      data: toJsonText({ number: ++this.#count, text: "x".repeat(40) }),
    });
  }

  /** More batches than a ring holds, and more bytes than a window. */
  #burst(): void {
    const { random, timeline } = this.#world;
    const topic = random.choose(this.#audience.videos);
    for (let count = 0; count < 150; count++) {
      timeline.after(count * 6, () => {
        if (count % 12 === 0) this.post(topic);
        else this.#goal(topic);
      });
    }
  }
}
