/**
 * The faults of a run, and their times. Each run has only some of the kinds, drawn from its seed: a
 * run with three kinds of fault finds what one with all of them covers up.
 */

import type { Audience } from "./audience.ts";
import type { Cluster } from "./cluster.ts";
import { CALM, type Cut } from "./network.ts";
import type { Node, Place } from "./node.ts";
import type { World } from "./world.ts";

interface Fault {
  readonly name: string;
  happen(): string | undefined;
}

export class Chaos {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #audience: Audience;
  readonly #faults: readonly Fault[];
  #over = false;

  constructor(world: World, cluster: Cluster, audience: Audience) {
    this.#world = world;
    this.#cluster = cluster;
    this.#audience = audience;
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
      if (this.#over) return;
      const fault = random.choose(this.#faults);
      const what = fault.happen();
      if (what !== undefined) trace.note("FAULT", () => `${fault.name} ${what}`);
      this.#next(everyMs);
    });
  }

  /** Heals everything from now on, and every viewer reads. */
  heal(): void {
    this.#over = true;
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
      this.#restart(place);
    }
    for (const viewer of this.#audience.all) viewer.node.thaw();
    for (const socket of this.#cluster.sockets) socket.heal();
  }

  #kinds(): readonly Fault[] {
    const { network, random } = this.#world;
    const cluster = this.#cluster;
    const audience = this.#audience;
    const place = () => random.choose(cluster.places);
    return [
      {
        name: "weather",
        happen: () => {
          const wild = random.chance(0.7);
          network.weather = wild
            ? {
                delayMs: random.choose([1, 5, 40, 200]),
                farDelayMs: random.choose([40, 200]),
                loss: random.choose([0, 0.01, 0.1, 0.3]),
                straggling: random.choose([0, 0.02, 0.1]),
              }
            : CALM;
          return JSON.stringify(network.weather);
        },
      },
      { name: "kill-frontend", happen: () => this.#killFrontend() },
      { name: "drain-frontend", happen: () => this.#drainFrontend() },
      {
        name: "kill-dispatcher",
        happen: () =>
          this.#kill(random.choose(cluster.datacenters.flatMap((one) => one.dispatcherPlaces))),
      },
      { name: "kill-comments", happen: () => this.#kill(random.choose(cluster.commentsPlaces)) },
      { name: "log-away", happen: () => this.#kill(cluster.log.place) },
      {
        name: "store-away",
        happen: () => this.#kill(random.choose(cluster.datacenters).store.place),
      },
      {
        name: "store-wiped",
        happen: () => {
          const { store, name } = random.choose(cluster.datacenters);
          if (!store.place.alive) return undefined;
          store.wipe();
          return name;
        },
      },
      {
        name: "freeze",
        happen: () => {
          const node = random.chance(0.8) ? place().alive : random.pick(audience.all)?.node;
          if (node === undefined) return undefined;
          const ms = random.choose([50, 400, 2000, 9000]);
          node.freeze(ms);
          return `${node.place.name} for ${ms} ms`;
        },
      },
      {
        name: "slow",
        happen: () => {
          const node = place().alive;
          if (node === undefined) return undefined;
          node.slowMs = random.choose([0, 5, 50, 400]);
          return `${node.place.name} by ${node.slowMs} ms`;
        },
      },
      { name: "cut", happen: () => this.#cut() },
      {
        name: "links",
        happen: () => {
          const links = [...this.#cluster.links];
          const broken = random.chance(0.3) ? links : random.shuffle(links).slice(0, 1);
          for (const link of broken) link.reset();
          return `${broken.length} break`;
        },
      },
      {
        name: "clock",
        happen: () => {
          // The store's clock measures leases and is slewed, never set: see docs/simulation.md.
          const at = random.choose(cluster.places.filter(({ kind }) => kind !== "store"));
          at.skewMs = random.choose([0, -60_000, -1000, 300, 5000, 60_000]);
          return `of ${at.name} is off by ${at.skewMs} ms`;
        },
      },
      { name: "sockets", happen: () => this.#breakSockets() },
      { name: "stop-reading", happen: () => this.#stopReading() },
      {
        name: "audience",
        happen: () => {
          const what = random.integer(0, 2);
          if (what === 0) audience.addSdk();
          else if (what === 1) audience.addEventSource();
          else audience.leave();
          return ["one more with the SDK", "one more EventSource", "one less"][what];
        },
      },
      {
        name: "change-mind",
        happen: () => {
          for (let count = random.integer(1, 6); count > 0; count--) audience.changeMind();
          return "";
        },
      },
      {
        name: "restore",
        happen: () => {
          if (!this.#world.settings.restores || !cluster.log.place.alive) return undefined;
          void cluster.log.restore();
          return "";
        },
      },
      {
        name: "retention",
        happen: () => {
          if (this.#world.settings.retention === undefined) return undefined;
          cluster.log.trim();
          return "";
        },
      },
    ];
  }

  #downMs(): number {
    return this.#world.random.choose([10, 300, 2000, 8000]);
  }

  #kill(place: Place): string | undefined {
    const node = place.alive;
    if (node === undefined) return undefined;
    node.alive = false;
    this.#cluster.died(node);
    const ms = this.#downMs();
    this.#later(ms, () => this.#restart(place, node));
    return `${place.name} for ${ms} ms`;
  }

  #killFrontend(): string | undefined {
    const { random } = this.#world;
    const process = random.pick(this.#cluster.frontends);
    if (process === undefined) return undefined;
    const silently = random.chance(0.3);
    process.kill(silently);
    const ms = this.#downMs();
    const { place } = process.node;
    this.#later(ms, () => this.#restart(place, process.node));
    return `${place.name}${silently ? " silently" : ""} for ${ms} ms`;
  }

  #drainFrontend(): string | undefined {
    const process = this.#world.random.pick(this.#cluster.frontends);
    if (process === undefined || process.draining) return undefined;
    void process.leave(this.#world.random.choose([200, 3000]));
    this.#later(4000, () => {
      process.kill(false);
      this.#restart(process.node.place, process.node);
    });
    return process.node.place.name;
  }

  /** A new process in the place of the dead one, unless there is one already. */
  #restart(place: Place, dead: Node | undefined = place.node): void {
    if (place.node !== dead || dead?.alive === true) return;
    const { trace } = this.#world;
    trace.note(place.name, () => "is back");
    const datacenter = this.#cluster.datacenters.find(({ name }) => name === place.datacenter);
    if (datacenter === undefined) return;
    switch (place.kind) {
      case "frontend":
        this.#cluster.startFrontend(datacenter, place);
        break;
      case "dispatcher":
        this.#cluster.startDispatcher(datacenter, place);
        break;
      case "comments":
        this.#cluster.startComments(place);
        break;
      case "log":
        this.#cluster.log.resume();
        break;
      case "store":
        datacenter.store.resume();
        break;
      case "viewer":
        break;
    }
  }

  #later(ms: number, run: () => void): void {
    this.#world.timeline.after(ms, () => {
      if (!this.#over) run();
    });
  }

  /** A link, a machine or a data centre loses its connection: both ways, or one. */
  #cut(): string {
    const { network, random } = this.#world;
    const places = [...this.#cluster.places, ...this.#audience.all.map(({ node }) => node.place)];
    const one = random.choose(places);
    const other = random.choose(places);
    const datacenter = random.choose(this.#cluster.datacenters).name;
    const cut: Cut = random.choose<Cut>([
      {
        what: `${one.name} | ${other.name}`,
        separates: (from, to) => (from === one && to === other) || (from === other && to === one),
      },
      {
        what: `${one.name} -> ${other.name}`,
        separates: (from, to) => from === one && to === other,
      },
      { what: `${one.name} | all`, separates: (from, to) => (from === one) !== (to === one) },
      {
        what: `data centre ${datacenter} | others`,
        separates: (from, to) =>
          (from.datacenter === datacenter) !== (to.datacenter === datacenter),
      },
    ]);
    const ms = random.choose([200, 1500, 6000]);
    network.cuts.add(cut);
    this.#later(ms, () => network.cuts.delete(cut));
    return `${cut.what} for ${ms} ms`;
  }

  #breakSockets(): string {
    const { random } = this.#world;
    const sockets = [...this.#cluster.sockets].filter(
      (socket) => socket.openAtServer || socket.openAtViewer,
    );
    const count = random.chance(0.3) ? sockets.length : 1;
    const silently = random.chance(0.3);
    for (const socket of random.shuffle(sockets).slice(0, count)) {
      if (silently) socket.silence();
      else socket.reset();
    }
    return `${count} ${silently ? "go silent" : "break"}`;
  }

  #stopReading(): string | undefined {
    const { random } = this.#world;
    const viewer = random.pick(this.#audience.all);
    const socket = viewer?.socket;
    if (viewer === undefined || socket === undefined) return undefined;
    const ms = random.choose([200, 2000, 10_000, 40_000]);
    socket.pause();
    this.#later(ms, () => socket.resume());
    return `${viewer.node.place.name} for ${ms} ms`;
  }
}
