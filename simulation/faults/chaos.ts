/**
 * The faults of a run, and their times. Each run has only some of the kinds, drawn from its seed: a
 * run with three kinds of fault finds what one with all of them covers up.
 */

import type { Audience } from "../audience.ts";
import type { Cluster } from "../cluster.ts";
import { CALM } from "../network.ts";
import type { World } from "../world.ts";
import { NetworkFaults } from "./network-faults.ts";
import { ProcessFaults } from "./process-faults.ts";

interface Fault {
  readonly name: string;
  /** Returns what happened, for the trace; `undefined`: nothing could. */
  happen(): string | undefined;
}

export class Chaos {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #audience: Audience;
  readonly #network: NetworkFaults;
  readonly #processes: ProcessFaults;
  readonly #faults: readonly Fault[];

  constructor(world: World, cluster: Cluster, audience: Audience) {
    this.#world = world;
    this.#cluster = cluster;
    this.#audience = audience;
    this.#network = new NetworkFaults(world, cluster, audience);
    this.#processes = new ProcessFaults(world, cluster, audience);
    const { random, settings } = world;
    this.#faults = this.#kinds().filter(() => random.chance(0.4));
    if (this.#faults.length > 0) this.#next(settings.faultEveryMs);
  }

  get names(): readonly string[] {
    return this.#faults.map(({ name }) => name);
  }

  #next(everyMs: number): void {
    const { timeline, random, trace } = this.#world;
    timeline.after(random.exponential(everyMs), () => {
      if (this.#world.healed) return;
      const fault = random.choose(this.#faults);
      const what = fault.happen();
      if (what !== undefined) trace.note("FAULT", () => `${fault.name} ${what}`);
      this.#next(everyMs);
    });
  }

  /** Heals everything from now on, and every viewer reads. */
  heal(): void {
    this.#world.healed = true;
    const { network, trace } = this.#world;
    trace.note("HEALED", () => "everything works from now on");
    network.cuts.clear();
    network.weather = CALM;
    for (const process of this.#cluster.frontends) if (process.draining) process.kill(false);
    for (const place of this.#cluster.places) {
      const { node } = place;
      if (node === undefined) continue;
      node.thaw();
      node.slowMs = 0;
      if (node.alive) continue;
      this.#processes.restart(place);
    }
    for (const viewer of this.#audience.all) viewer.node.thaw();
    for (const socket of this.#cluster.sockets) socket.heal();
  }

  /** Their order decides what a seed means. */
  #kinds(): readonly Fault[] {
    const { random } = this.#world;
    const cluster = this.#cluster;
    const network = this.#network;
    const processes = this.#processes;
    const dispatchers = cluster.datacenters.flatMap(({ dispatcherPlaces }) => dispatcherPlaces);
    const store = () => random.choose(cluster.datacenters).store;
    return [
      { name: "weather", happen: () => network.changeWeather() },
      { name: "kill-frontend", happen: () => processes.killFrontend() },
      { name: "drain-frontend", happen: () => processes.drainFrontend() },
      { name: "kill-dispatcher", happen: () => processes.kill(random.choose(dispatchers)) },
      {
        name: "kill-comments",
        happen: () => processes.kill(random.choose(cluster.commentsPlaces)),
      },
      { name: "log-away", happen: () => processes.kill(cluster.log.place) },
      { name: "store-away", happen: () => processes.kill(store().place) },
      { name: "store-wiped", happen: () => this.#wipeStore() },
      { name: "freeze", happen: () => processes.freeze() },
      { name: "slow", happen: () => processes.slow() },
      { name: "cut", happen: () => network.cut() },
      { name: "links", happen: () => network.breakLinks() },
      { name: "clock", happen: () => processes.setClock() },
      { name: "sockets", happen: () => network.breakSockets() },
      { name: "stop-reading", happen: () => network.stopReading() },
      { name: "audience", happen: () => this.#changeAudience() },
      { name: "change-mind", happen: () => this.#changeMinds() },
      { name: "restore", happen: () => this.#restore() },
      { name: "retention", happen: () => this.#trim() },
    ];
  }

  #wipeStore(): string | undefined {
    const { store, name } = this.#world.random.choose(this.#cluster.datacenters);
    if (!store.place.alive) return undefined;
    store.wipe();
    return name;
  }

  #changeAudience(): string | undefined {
    const what = this.#world.random.integer(0, 2);
    if (what === 0) this.#audience.addSdk();
    else if (what === 1) this.#audience.addEventSource();
    else this.#audience.leave();
    return ["one more with the SDK", "one more EventSource", "one less"][what];
  }

  #changeMinds(): string {
    for (let count = this.#world.random.integer(1, 6); count > 0; count--)
      this.#audience.changeMind();
    return "";
  }

  #restore(): string | undefined {
    const { log } = this.#cluster;
    if (!this.#world.settings.restores || !log.place.alive) return undefined;
    void log.restore();
    return "";
  }

  #trim(): string | undefined {
    if (this.#world.settings.retention === undefined) return undefined;
    this.#cluster.log.trim();
    return "";
  }
}
