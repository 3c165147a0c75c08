/**
 * The write path in its process: append, acknowledge, then publish by the outbox. A process that is
 * killed between the two leaves events that only the repair lane delivers.
 */

import { DurableWriter, Outbox } from "@ovation/log";
import { type Event, type JsonText, type Topic, toJsonText } from "@ovation/protocol";
import type { DatacenterView, Discovery, RunningComments } from "../discovery.ts";
import { CallError } from "../network.ts";
import { Node, type Place } from "../node.ts";
import type { World } from "../world.ts";
import { describe } from "./dispatcher-process.ts";

const PUBLISH_TIMEOUT_MS = 2000;
const POST_TIMEOUT_MS = 4000;
const POST_RETRY_MS = 700;

export class CommentsProcess implements RunningComments {
  readonly node: Node;
  readonly #world: World;
  readonly #datacenter: DatacenterView;
  readonly #writer: DurableWriter;

  constructor(world: World, cluster: Discovery, datacenter: DatacenterView, place: Place) {
    this.#world = world;
    this.#datacenter = datacenter;
    this.node = new Node(place, world.timeline);
    const outbox = new Outbox({
      publish: (events) => this.#publishAt(2, events),
      onDropped: (count, reason) =>
        world.trace.note(place.name, () => `${count} events not published: ${reason}`),
    });
    this.#writer = new DurableWriter({
      log: cluster.log.logFor(this.node),
      publish(events) {
        for (const event of events) outbox.push(event);
      },
    });
  }

  /** Resolves with the number after the commit. The same key again: the same number. */
  async write(topic: Topic, type: string, data: JsonText, key: string): Promise<number> {
    const [written] = await this.#writer.write([
      { topic, type, at: this.node.clock.now(), data, key },
    ]);
    if (written === undefined) throw new Error("the writer returned no place for a durable event");
    return written.place.seq;
  }

  /** A live event: published once, to one dispatcher. */
  live(event: Event): void {
    void this.#publishAt(1, [event]);
  }

  async #publishAt(attempts: number, events: readonly Event[]): Promise<void> {
    const { network, random, trace } = this.#world;
    for (const place of random.shuffle(this.#datacenter.dispatcherPlaces).slice(0, attempts)) {
      try {
        await network.call(this.node, place, PUBLISH_TIMEOUT_MS, async (there) => {
          const process = this.#datacenter.dispatcherAt(there.place);
          if (process === undefined) throw new CallError("nothing listens");
          trace.note(there.place.name, () => `published ${describe(events)}`);
          await process.dispatcher.publish(events);
        });
        return;
      } catch (error) {
        trace.note(this.node.place.name, () => `publish at ${place.name} failed: ${String(error)}`);
      }
    }
  }
}

/** A viewer's or a server's post: retried with the same key until it is acknowledged. */
export async function post(
  world: World,
  cluster: Discovery,
  poster: Node,
  topic: Topic,
  type: string,
  text: string,
): Promise<void> {
  const { network, random, truth } = world;
  const data = toJsonText({ text });
  for (;;) {
    const place = random.choose(cluster.commentsPlaces);
    try {
      const seq = await network.call(poster, place, POST_TIMEOUT_MS, async (there) => {
        const process = cluster.commentsAt(there);
        if (process === undefined) throw new CallError("nothing listens");
        return process.write(topic, type, data, text);
      });
      truth.acknowledge(topic, seq, data);
      return;
    } catch (error) {
      world.trace.note(poster.place.name, () => `post of ${text} failed: ${String(error)}`);
      await new Promise<void>((resolve) =>
        poster.after(random.between(0.5, 1) * POST_RETRY_MS, resolve),
      );
    }
  }
}
