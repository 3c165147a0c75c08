/** The viewers of a run: their kinds, their topics, when they connect and disconnect. */

import { type Topic, topicOf } from "@ovation/protocol";
import type { Cluster } from "./cluster.ts";
import { EventSourceViewer } from "./event-source-viewer.ts";
import { Node, Place } from "./node.ts";
import { SdkViewer } from "./sdk-viewer.ts";
import type { World } from "./world.ts";

export class Audience {
  readonly videos: readonly Topic[];
  readonly members: readonly string[];
  sdk: SdkViewer[] = [];
  eventSource: EventSourceViewer[] = [];
  readonly #world: World;
  readonly #cluster: Cluster;
  #count = 0;

  constructor(world: World, cluster: Cluster) {
    this.#world = world;
    this.#cluster = cluster;
    const { settings } = world;
    this.videos = Array.from({ length: settings.videos }, (_, index) =>
      topicOf("video", `${index + 1}`),
    );
    this.members = Array.from({ length: settings.members }, (_, index) => `member${index + 1}`);
    for (let count = 0; count < settings.sdkViewers; count++) this.addSdk();
    for (let count = 0; count < settings.eventSourceViewers; count++) this.addEventSource();
  }

  get topics(): readonly Topic[] {
    return [...this.videos, ...this.members.map((member) => topicOf("member", member))];
  }

  get all(): readonly (SdkViewer | EventSourceViewer)[] {
    return [...this.sdk, ...this.eventSource];
  }

  addSdk(): void {
    const { random } = this.#world;
    const member = random.chance(0.4) ? random.pick(this.members) : undefined;
    const viewer = new SdkViewer(this.#world, this.#cluster, this.#node("sdk"), {
      member,
      zstd: random.chance(0.1),
    });
    this.sdk.push(viewer);
    for (const topic of random.shuffle(this.videos).slice(0, random.integer(1, 3)))
      viewer.subscribe(topic);
    if (viewer.ownTopic !== undefined && random.chance(0.8)) viewer.subscribe(viewer.ownTopic);
  }

  addEventSource(): void {
    const { random } = this.#world;
    const topics = random.shuffle(this.videos).slice(0, random.integer(1, this.videos.length));
    this.eventSource.push(
      new EventSourceViewer(this.#world, this.#cluster, this.#node("eventsource"), topics),
    );
  }

  /** One viewer changes its topics. */
  changeMind(): void {
    const { random } = this.#world;
    const viewer = random.pick(this.sdk);
    const topic = random.pick([
      ...this.videos,
      ...(viewer?.ownTopic === undefined ? [] : [viewer.ownTopic]),
    ]);
    if (viewer === undefined || topic === undefined) return;
    if (viewer.topics.has(topic) && (viewer.topics.size > 1 || random.chance(0.2)))
      viewer.unsubscribe(topic);
    else viewer.subscribe(topic);
  }

  /** One leaves for good: cleanly, or with its device. */
  leave(): void {
    const { random } = this.#world;
    const viewer = random.pick(this.all);
    if (viewer === undefined) return;
    this.sdk = this.sdk.filter((other) => other !== viewer);
    this.eventSource = this.eventSource.filter((other) => other !== viewer);
    if (random.chance(0.5)) {
      viewer.close();
      return;
    }
    if (random.chance(0.5)) viewer.socket?.silence();
    viewer.node.alive = false;
  }

  #node(kind: string): Node {
    const { random, timeline } = this.#world;
    const datacenter = random.choose(this.#cluster.datacenters).name;
    return new Node(new Place(datacenter, "viewer", `${kind}-${++this.#count}`), timeline);
  }
}
