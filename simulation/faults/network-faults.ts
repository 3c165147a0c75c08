/** Faults of the network and of single connections. */

import type { Audience } from "../audience.ts";
import type { Cluster } from "../cluster.ts";
import { CALM, type Cut } from "../network.ts";
import type { World } from "../world.ts";
import { untilHealed } from "./until-healed.ts";

/** Each method is one fault; it returns what happened, for the trace. */
export class NetworkFaults {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #audience: Audience;

  constructor(world: World, cluster: Cluster, audience: Audience) {
    this.#world = world;
    this.#cluster = cluster;
    this.#audience = audience;
  }

  changeWeather(): string {
    const { network, random } = this.#world;
    network.weather = random.chance(0.7)
      ? {
          delayMs: random.choose([1, 5, 40, 200]),
          farDelayMs: random.choose([40, 200]),
          loss: random.choose([0, 0.01, 0.1, 0.3]),
          straggling: random.choose([0, 0.02, 0.1]),
        }
      : CALM;
    return JSON.stringify(network.weather);
  }

  /** A link, a machine or a data centre loses its connection: both ways, or one. */
  cut(): string {
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
    untilHealed(this.#world, ms, () => network.cuts.delete(cut));
    return `${cut.what} for ${ms} ms`;
  }

  breakLinks(): string {
    const { random } = this.#world;
    const links = [...this.#cluster.links];
    const broken = random.chance(0.3) ? links : random.shuffle(links).slice(0, 1);
    for (const link of broken) link.reset();
    return `${broken.length} break`;
  }

  breakSockets(): string {
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

  stopReading(): string | undefined {
    const { random } = this.#world;
    const viewer = random.pick(this.#audience.all);
    const socket = viewer?.socket;
    if (viewer === undefined || socket === undefined) return undefined;
    const ms = random.choose([200, 2000, 10_000, 40_000]);
    socket.pause();
    untilHealed(this.#world, ms, () => socket.resume());
    return `${viewer.node.place.name} for ${ms} ms`;
  }
}
