/**
 * A link from a dispatcher to a frontend: the real ends of it, over a simulated connection in place
 * of a WebSocket.
 */

import type { LinkConnection, LinkEnd, LinkEvents, LinkIntake } from "@ovation/dispatcher";
import { Problem } from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import { Connection, type EndHandlers } from "./connection.ts";
import type { Discovery } from "./discovery.ts";
import type { Node } from "./node.ts";
import type { World } from "./world.ts";

/** What a WebSocket carries. */
type Frame =
  | { readonly kind: "text" | "ping" | "pong"; readonly text: string }
  | { readonly kind: "close"; readonly code: number; readonly reason: string };

/**
 * [spec] RFC 6455, 7.1.5: what each end reports of a connection that ended without a close frame.
 */
const ABNORMAL = 1006;

/** From the dispatcher at `node` to the frontend at `frontend.url`. */
export class Link implements LinkConnection {
  readonly #world: World;
  readonly #discovery: Discovery;
  readonly #node: Node;
  readonly #from: string;
  readonly #frontend: FrontendAddress;
  readonly #events: LinkEvents;
  #connection: Connection<Frame> | undefined;
  /** By the dispatcher. */
  #closed = false;

  constructor(
    world: World,
    discovery: Discovery,
    { node, from }: { readonly node: Node; readonly from: string },
    frontend: FrontendAddress,
    events: LinkEvents,
  ) {
    this.#world = world;
    this.#discovery = discovery;
    this.#node = node;
    this.#from = from;
    this.#frontend = frontend;
    this.#events = events;
    const place = discovery.placeOf(frontend.url);
    if (place === undefined) node.soon(() => this.#refuse("closed 1006 no such address"));
    else
      world.network.send(
        node,
        place,
        (there) => this.#accept(there),
        () => this.#refuse("closed 1006 refused"),
      );
  }

  send(text: string): void {
    this.#connection?.near.send({ kind: "text", text });
  }

  close(code: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection?.near.send({ kind: "close", code, reason: "" });
    this.#connection?.near.leave();
  }

  #refuse(reason: string): void {
    if (!this.#closed) this.#events.closed(reason);
  }

  /** The frontend refuses the WebSocket: the dispatcher learns it a network trip later. */
  #refuseFrom(there: Node, reason: string): void {
    const { place } = this.#node;
    this.#world.network.send(there, place, (back) => back === this.#node && this.#refuse(reason));
  }

  /** In the process `there`, which runs at the frontend's URL. */
  #accept(there: Node): void {
    const process = this.#discovery.processAt(there);
    if (process === undefined || process.frontend.id !== this.#frontend.id) {
      this.#refuseFrom(there, "closed 1002 refused");
      return;
    }
    const far = new FrontendEnd(process.links, there);
    const made: Connection<Frame> = new Connection<Frame>(
      this.#world,
      { node: this.#node, handlers: this.#nearHandlers(() => made) },
      { node: there, handlers: far },
    );
    try {
      far.open(made, this.#from);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#refuseFrom(there, "closed 1002 too many");
      return;
    }
    this.#connection = made;
    this.#discovery.links.add(made);
    far.opened();
    // It was closed while it was being opened.
    if (this.#closed) made.near.send({ kind: "close", code: ABNORMAL, reason: "" });
    this.#world.trace.note(there.place.name, () => `link of ${this.#from} is open`);
  }

  /** The dispatcher's end. */
  #nearHandlers(made: () => Connection<Frame>): EndHandlers<Frame> {
    return {
      message: (frame) => {
        if (this.#closed) return;
        if (frame.kind === "text") this.#events.message(frame.text);
        else if (frame.kind === "ping") made().near.send({ kind: "pong", text: frame.text });
        else if (frame.kind === "close") {
          made().near.leave();
          this.#events.closed(`closed ${frame.code} ${frame.reason}`);
        }
      },
      broken: () => this.#refuse(`closed ${ABNORMAL}`),
    };
  }
}

/** The frontend's end: its real intake. */
class FrontendEnd implements EndHandlers<Frame> {
  readonly #intake: LinkIntake;
  readonly #node: Node;
  #connection: Connection<Frame> | undefined;
  #end: LinkEnd | undefined;

  constructor(intake: LinkIntake, node: Node) {
    this.#intake = intake;
    this.#node = node;
  }

  /** Throws the Problem of an intake that admits no further link. */
  open(connection: Connection<Frame>, from: string): void {
    const { far } = connection;
    this.#connection = connection;
    this.#end = {
      data: this.#intake.admit(from),
      send: (text) => far.send({ kind: "text", text }),
      ping: (text) => far.send({ kind: "ping", text }),
      close: (code, reason) => {
        far.send({ kind: "close", code, reason });
        far.leave();
        // Asynchronous, as a WebSocket: never during the call.
        this.#node.soon(() => this.#closed(code, reason));
      },
    };
  }

  opened(): void {
    if (this.#end !== undefined) this.#intake.opened(this.#end);
  }

  message(frame: Frame): void {
    if (this.#end === undefined) return;
    if (frame.kind === "text") this.#intake.message(this.#end, frame.text);
    else if (frame.kind === "pong") this.#intake.pong(this.#end, frame.text);
    else if (frame.kind === "close") {
      this.#connection?.far.leave();
      this.#closed(frame.code, frame.reason);
    }
  }

  broken(): void {
    this.#closed(ABNORMAL, "");
  }

  #closed(code: number, reason: string): void {
    if (this.#end !== undefined) this.#intake.closed(this.#end, code, reason);
  }
}
