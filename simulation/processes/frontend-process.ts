/**
 * A frontend in its process: the real one, with its public routes as viewers reach them, and its
 * upstream.
 */

import { createRefusals, type DispatcherApi, LinkIntake } from "@ovation/dispatcher";
import {
  type ConnectionChange,
  type ConnectionChangeResult,
  Frontend,
  OPEN_ADMISSION,
  type Upstream,
  wireForm,
} from "@ovation/frontend";
import {
  type ConnectionId,
  type Event,
  frontendIdFrom,
  frontendOf,
  type Identity,
  isOwnTopic,
  maySubscribe,
  type Position,
  Problem,
  parsePosition,
  type Topic,
} from "@ovation/protocol";
import type { WireChecker } from "../checkers/wire-checker.ts";
import type { DatacenterView, Discovery, RunningFrontend } from "../discovery.ts";
import { CallError } from "../network.ts";
import { Node, type Place } from "../node.ts";
import type { Socket } from "../socket.ts";
import type { World } from "../world.ts";
import { describe } from "./dispatcher-process.ts";

const DAY_MS = 86_400_000;
const UPSTREAM_TIMEOUT_MS = 1500;
const UPSTREAM_ATTEMPTS = 3;
/** Far shorter than in production: idle topics must release their history without loss. */
const QUIET_MS = 400;

export interface ConnectRequest {
  readonly topics: readonly Topic[];
  readonly identity: Identity | undefined;
  /** `?last_event_id=` */
  readonly parameter?: string | undefined;
  /** `Last-Event-ID` */
  readonly header?: string | undefined;
  readonly zstd: boolean;
  /** `?events=message`: types are inside `data`. */
  readonly unnamed: boolean;
}

/** `PUT` or `DELETE /v1/connections/{id}/subscriptions` */
export interface ChangeRequest {
  readonly method: string;
  readonly connection: string;
  readonly topics: readonly Topic[];
  readonly order: number | undefined;
  readonly identity: Identity | undefined;
}

interface Held {
  readonly socket: Socket;
  readonly wire: WireChecker;
}

export class FrontendProcess implements RunningFrontend {
  readonly frontend: Frontend;
  readonly node: Node;
  /** Open connections: the socket of each, and its checker. */
  readonly held = new Map<ConnectionId, Held>();
  /** The real ends of the links from dispatchers. */
  readonly links: LinkIntake;
  draining = false;
  readonly #world: World;
  readonly #cluster: Discovery;
  readonly #datacenter: DatacenterView;

  constructor(world: World, cluster: Discovery, datacenter: DatacenterView, place: Place) {
    this.#world = world;
    this.#cluster = cluster;
    this.#datacenter = datacenter;
    this.node = new Node(place, world.timeline);
    const id = frontendIdFrom(world.random.bytes(8));
    const { settings, policy } = world;
    this.links = new LinkIntake({
      inbox: { dispatch: (events) => this.#dispatch(events) },
      refusals: createRefusals(),
      clock: this.node.steadyClock,
    });
    this.frontend = new Frontend({
      id,
      upstream: this.#upstream(),
      policy,
      authorize: (identity, topic) => maySubscribe(policy, identity, topic),
      clock: this.node.clock,
      steady: this.node.steadyClock,
      random: () => world.random.next(),
      soon: (run) => this.node.soon(run),
      elapsed: () => this.node.elapsed(),
      arrived: () => this.links.arrived(),
      heartbeatMs: settings.heartbeatMs,
      admission: OPEN_ADMISSION,
      lingerMs: settings.lingerMs,
      quietMs: QUIET_MS,
      get lifetimeMs() {
        return world.healed ? { min: DAY_MS, max: DAY_MS } : settings.lifetimeMs;
      },
      onFailure: (what, error) => {
        world.tolerated++;
        world.trace.note(place.name, () => `${what} failed: ${String(error)}`);
      },
    });
    this.frontend.start();
  }

  #dispatch(events: readonly Event[]): void {
    this.#world.trace.note(this.node.place.name, () => `dispatched ${describe(events)}`);
    this.frontend.dispatch(events);
  }

  /** `GET /v1/events`. Throws the Problem that the viewer gets. */
  connect(
    request: ConnectRequest,
    open: (held: (socket: Socket, wire: WireChecker) => void, gone: () => void) => Socket,
  ): void {
    const { policy, trace } = this.#world;
    if (this.draining) throw new Problem("unavailable");
    for (const topic of request.topics) {
      if (!maySubscribe(policy, request.identity, topic))
        throw new Problem(request.identity === undefined ? "token-missing" : "forbidden");
    }
    const connect = {
      topics: request.topics,
      identity: request.identity,
      position: readPosition(request),
      form: wireForm(request),
      address: "",
    };
    const connection = this.frontend.admit(connect);
    if (typeof connection === "string") throw new Problem("unavailable");
    const socket = open(
      (opened, wire) => {
        this.held.set(connection.id, { socket: opened, wire });
        for (const topic of request.topics) wire.subscribed(topic);
      },
      () => {
        this.held.delete(connection.id);
        this.frontend.closed(connection, "left");
      },
    );
    trace.note(
      this.node.place.name,
      () => `connect ${socket.viewer.place.name} to ${request.topics.join(" ")}`,
    );
    void this.frontend.open(connection, socket, connect);
  }

  /** The response's body. */
  async change(request: ChangeRequest, connection: ConnectionId): Promise<unknown> {
    const { method, topics, order, identity } = request;
    const { policy } = this.#world;
    const results: Record<string, unknown> = {};
    const allowed =
      method === "PUT" ? topics.filter((topic) => maySubscribe(policy, identity, topic)) : topics;
    for (const topic of topics) {
      if (!allowed.includes(topic))
        results[topic] = {
          ok: false,
          error: identity === undefined ? "token-missing" : "forbidden",
        };
    }
    const change: ConnectionChange = {
      connection,
      add: method === "PUT" ? allowed : [],
      remove: method === "DELETE" ? topics : [],
      sub: identity?.sub ?? "",
      expiresAt: identity?.expiresAt,
      order,
    };
    const here = frontendOf(connection) === this.frontend.id;
    const changed = here
      ? await this.changeHere(change)
      : await this.frontend.change(change, identity);
    if (!changed.ok) throw new Problem(changed.error);
    for (const { topic, seq, epoch } of changed.heads)
      results[topic] = { ok: true, head: seq, epoch };
    return { results };
  }

  /** The change where the connection is; what the connection may receive changes with it. */
  async changeHere(change: ConnectionChange): Promise<ConnectionChangeResult> {
    const wire = this.held.get(change.connection)?.wire;
    const identity = this.frontend.connections.get(change.connection)?.identity;
    for (const topic of change.add) wire?.subscribed(topic);
    const result = await this.frontend.changeHere(change);
    if (result.ok) {
      for (const topic of change.remove) {
        // A member's own topic stays.
        if (identity === undefined || !isOwnTopic(identity, topic)) wire?.unsubscribed(topic);
      }
      // Set again: a removal may have passed while the addition waited for the table.
      for (const topic of change.add) wire?.subscribed(topic);
    }
    return result;
  }

  /** The subscriptions in the hub. */
  get topics(): readonly Topic[] {
    return [...this.frontend.hub.channels.keys()];
  }

  /** kill -9, or (silently) the whole machine. */
  kill(silently: boolean): void {
    this.node.alive = false;
    this.#cluster.died(this.node, silently);
    for (const { socket } of this.held.values()) {
      if (silently) socket.silence();
      else socket.reset();
    }
  }

  /** SIGTERM. */
  async leave(withinMs: number): Promise<void> {
    this.draining = true;
    await this.frontend.drain(withinMs, 5);
    await this.frontend.stop();
    this.links.close();
    this.node.after(500, () => {
      this.kill(false);
    });
  }

  #upstream(): Upstream {
    const address = () => ({ id: this.frontend.id, url: this.node.place.name });
    return {
      change: (changes) => this.#ask((api) => api.change(address(), changes)),
      report: (viewers, since) => this.#ask((api) => api.report(address(), viewers, since)),
      read: (topic, after, limit, need) => this.#ask((api) => api.read(topic, after, limit, need)),
      wrote: (topic, seq, epoch) => this.#ask((api) => api.wrote(topic, seq, epoch)),
      reached: (moment) => this.#ask((api) => api.reached(moment)),
      headAt: (topic, stamp) => this.#ask((api) => api.headAt(topic, stamp)),
      changeConnection: (change) => this.#ask((api) => api.changeConnection(change)),
      present: (members, staff) => this.#ask((api) => api.present(members, staff)),
      renew: (ttlMs) => this.#ask((api) => api.renew(address(), ttlMs)),
      release: () => this.#ask((api) => api.release(this.frontend.id)),
    };
  }

  /** Any dispatcher; another one when the first does not answer. */
  async #ask<Value>(run: (api: DispatcherApi) => Promise<Value>): Promise<Value> {
    const { network, random } = this.#world;
    let last: unknown = new CallError("there is no dispatcher");
    for (const place of random
      .shuffle(this.#datacenter.dispatcherPlaces)
      .slice(0, UPSTREAM_ATTEMPTS)) {
      try {
        return await network.call(this.node, place, UPSTREAM_TIMEOUT_MS, async () => {
          const process = this.#datacenter.dispatcherAt(place);
          if (process === undefined) throw new CallError("nothing listens");
          return run(process.dispatcher);
        });
      } catch (error) {
        last = error;
        if (!(error instanceof CallError)) throw error;
      }
    }
    throw last;
  }
}

/** As `frontend/events-route.ts` reads it. */
function readPosition({ parameter, header }: ConnectRequest): Position | undefined {
  const text = parameter ?? header ?? "";
  if (text === "") return undefined;
  const position = parsePosition(text);
  if (position === undefined && parameter !== undefined) throw new Problem("invalid-position");
  return position ?? { topics: new Map() };
}
