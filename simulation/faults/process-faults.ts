/** Faults of processes and machines: they die, drain, freeze, are slow, and return. */

import type { Audience } from "../audience.ts";
import type { Cluster } from "../cluster.ts";
import type { Node, Place } from "../node.ts";
import type { World } from "../world.ts";
import { untilHealed } from "./until-healed.ts";

/** Each method but `restart` is one fault; it returns what happened, for the trace. */
export class ProcessFaults {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #audience: Audience;

  constructor(world: World, cluster: Cluster, audience: Audience) {
    this.#world = world;
    this.#cluster = cluster;
    this.#audience = audience;
  }

  kill(place: Place): string | undefined {
    const node = place.alive;
    if (node === undefined) return undefined;
    node.alive = false;
    this.#cluster.died(node);
    const ms = this.#downMs();
    untilHealed(this.#world, ms, () => this.restart(place, node));
    return `${place.name} for ${ms} ms`;
  }

  killFrontend(): string | undefined {
    const { random } = this.#world;
    const process = random.pick(this.#cluster.frontends);
    if (process === undefined) return undefined;
    const silently = random.chance(0.3);
    process.kill(silently);
    const ms = this.#downMs();
    const { place } = process.node;
    untilHealed(this.#world, ms, () => this.restart(place, process.node));
    return `${place.name}${silently ? " silently" : ""} for ${ms} ms`;
  }

  drainFrontend(): string | undefined {
    const process = this.#world.random.pick(this.#cluster.frontends);
    if (process === undefined || process.draining) return undefined;
    void process.leave(this.#world.random.choose([200, 3000]));
    untilHealed(this.#world, 4000, () => {
      process.kill(false);
      this.restart(process.node.place, process.node);
    });
    return process.node.place.name;
  }

  freeze(): string | undefined {
    const { random } = this.#world;
    const node = random.chance(0.8)
      ? random.choose(this.#cluster.places).alive
      : random.pick(this.#audience.all)?.node;
    if (node === undefined) return undefined;
    const ms = random.choose([50, 400, 2000, 9000]);
    node.freeze(ms);
    return `${node.place.name} for ${ms} ms`;
  }

  slow(): string | undefined {
    const { random } = this.#world;
    const node = random.choose(this.#cluster.places).alive;
    if (node === undefined) return undefined;
    node.slowMs = random.choose([0, 5, 50, 400]);
    return `${node.place.name} by ${node.slowMs} ms`;
  }

  setClock(): string {
    const { random } = this.#world;
    // The store's clock measures leases and is slewed, never set: see docs/simulation.md.
    const at = random.choose(this.#cluster.places.filter(({ kind }) => kind !== "store"));
    at.skewMs = random.choose([0, -60_000, -1000, 300, 5000, 60_000]);
    return `of ${at.name} is off by ${at.skewMs} ms`;
  }

  /** A new process in the place of the dead one, unless there is one already. */
  restart(place: Place, dead: Node | undefined = place.node): void {
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

  #downMs(): number {
    return this.#world.random.choose([10, 300, 2000, 8000]);
  }
}
