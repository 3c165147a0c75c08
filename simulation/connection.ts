/**
 * A connection between two processes, as TCP would carry it: messages in order and without a hole,
 * both ways, until it breaks. Lost messages are retransmitted and arrive later; over a cut they
 * wait, and arrive when it heals, if the connection lasts that long. An end that learned of the
 * close sends nothing more; the other end may not know yet.
 */

import type { Node, Place } from "./node.ts";
import type { World } from "./world.ts";

export interface EndHandlers<Message> {
  message(message: Message): void;
  /** It is over: broken, or the other end's process died. */
  broken(): void;
}

export interface End<Message> {
  send(message: Message): void;
  /** This end gets no more events; what it has sent still arrives. */
  leave(): void;
}

/** The kernel gives up a connection whose peer has not answered for this long. */
const USER_TIMEOUT_MS = 20_000;
const RETRANSMIT_MS = 200;
/** Share of the lost messages whose loss breaks the connection: a middlebox, a route change. */
const BREAKING = 0.1;

interface Side<Message> {
  readonly node: Node;
  readonly handlers: EndHandlers<Message>;
  open: boolean;
  /** Sent by it, and when the first may arrive. */
  queue: { readonly message: Message; readonly dueAt: number }[];
  lastDueAt: number;
  moving: boolean;
  stalledSince: number | undefined;
}

export class Connection<Message> {
  readonly near: End<Message>;
  readonly far: End<Message>;
  readonly #world: World;
  readonly #near: Side<Message>;
  readonly #far: Side<Message>;
  /** A machine that vanished sends no resets. */
  #vanished: Place | undefined;

  constructor(
    world: World,
    near: { readonly node: Node; readonly handlers: EndHandlers<Message> },
    far: { readonly node: Node; readonly handlers: EndHandlers<Message> },
  ) {
    this.#world = world;
    const side = ({ node, handlers }: typeof near): Side<Message> => ({
      node,
      handlers,
      open: true,
      queue: [],
      lastDueAt: 0,
      moving: false,
      stalledSince: undefined,
    });
    this.#near = side(near);
    this.#far = side(far);
    const end = (own: Side<Message>): End<Message> => ({
      send: (message) => this.#send(own, message),
      leave: () => {
        own.open = false;
      },
    });
    this.near = end(this.#near);
    this.far = end(this.#far);
  }

  /** Whether anything may still happen on it. */
  get isOver(): boolean {
    const done = ({ open, queue, node }: Side<Message>) =>
      !open && (queue.length === 0 || !node.alive);
    return done(this.#near) && done(this.#far);
  }

  /** One of its processes died: the kernel sends a reset, unless the whole machine vanished. */
  died(node: Node, silently: boolean): void {
    for (const own of [this.#near, this.#far]) {
      if (own.node !== node) continue;
      own.open = false;
      own.queue = [];
      if (silently) this.#vanished = node.place;
      else this.#tell(own, this.#other(own));
    }
  }

  /** A middlebox breaks it: both ends learn it soon. */
  reset(): void {
    this.#tell(this.#near, this.#far);
    this.#tell(this.#far, this.#near);
  }

  #other(own: Side<Message>): Side<Message> {
    return own === this.#near ? this.#far : this.#near;
  }

  /** A reset travels from one end to the other, if it can. */
  #tell(from: Side<Message>, to: Side<Message>): void {
    const { network, timeline } = this.#world;
    timeline.after(network.delay(from.node.place, to.node.place), () => {
      if (!network.isCut(from.node.place, to.node.place)) this.#break(to);
    });
  }

  #break(own: Side<Message>): void {
    own.queue = [];
    if (!own.open) return;
    own.open = false;
    own.node.do(() => own.handlers.broken());
  }

  #send(own: Side<Message>, message: Message): void {
    if (!own.open || !own.node.alive) return;
    const { network, timeline, random } = this.#world;
    const other = this.#other(own);
    let delay = network.delay(own.node.place, other.node.place);
    while (random.chance(network.weather.loss)) {
      if (random.chance(BREAKING)) {
        this.reset();
        return;
      }
      delay += RETRANSMIT_MS;
    }
    own.lastDueAt = Math.max(own.lastDueAt, timeline.now + delay);
    own.queue.push({ message, dueAt: own.lastDueAt });
    this.#move(own);
  }

  #move(own: Side<Message>): void {
    const next = own.queue[0];
    if (own.moving || next === undefined) return;
    own.moving = true;
    const { timeline } = this.#world;
    timeline.after(next.dueAt - timeline.now, () => this.#arrive(own));
  }

  #arrive(own: Side<Message>): void {
    own.moving = false;
    if (own.queue.length === 0) return;
    const { network, timeline } = this.#world;
    const other = this.#other(own);
    const gone = !other.node.alive;
    // The process that runs there now does not know this connection, and resets it; a vanished
    // machine does not.
    const isDark =
      gone && this.#vanished === other.node.place && other.node.place.alive === undefined;
    if (isDark || network.isCut(own.node.place, other.node.place)) {
      own.stalledSince ??= timeline.now;
      if (timeline.now - own.stalledSince > USER_TIMEOUT_MS) {
        this.#break(own);
        return;
      }
      own.moving = true;
      timeline.after(RETRANSMIT_MS, () => this.#arrive(own));
      return;
    }
    own.stalledSince = undefined;
    if (gone) {
      this.#tell(other, own);
      return;
    }
    const next = own.queue.shift();
    if (next !== undefined)
      other.node.do(() => {
        if (other.open) other.handlers.message(next.message);
      });
    this.#move(own);
  }
}
