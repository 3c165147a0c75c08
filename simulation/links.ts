/**
 * The links from a dispatcher to frontends: the real ends of them, over a simulated connection in
 * place of a WebSocket.
 */

import type { LinkConnection, LinkEnd, LinkEvents } from "@ovation/dispatcher";
import { Problem } from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import type { Cluster } from "./cluster.ts";
import { Connection } from "./connection.ts";
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

/** From the dispatcher at `here` to the frontend at `address`. */
export function connectLink(
  world: World,
  cluster: Cluster,
  here: { readonly node: Node; readonly from: string },
  frontend: FrontendAddress,
  events: LinkEvents,
): LinkConnection {
  const { network, trace } = world;
  const { node, from } = here;
  const place = cluster.placeOf(frontend.url);
  let connection: Connection<Frame> | undefined;
  let closed = false;

  function refuse(reason: string): void {
    if (!closed) events.closed(reason);
  }

  function accept(there: Node): void {
    const process = cluster.processAt(there);
    const refuseFromThere = (reason: string) =>
      network.send(there, node.place, (back) => back === node && refuse(reason));
    if (process === undefined || process.frontend.id !== frontend.id) {
      refuseFromThere("closed 1002 refused");
      return;
    }
    const { links: intake } = process;
    let end: LinkEnd | undefined;
    const made = new Connection<Frame>(
      world,
      {
        node,
        handlers: {
          message(frame) {
            if (closed) return;
            if (frame.kind === "text") events.message(frame.text);
            else if (frame.kind === "ping") made.near.send({ kind: "pong", text: frame.text });
            else if (frame.kind === "close") {
              made.near.leave();
              events.closed(`closed ${frame.code} ${frame.reason}`);
            }
          },
          broken: () => refuse(`closed ${ABNORMAL}`),
        },
      },
      {
        node: there,
        handlers: {
          message(frame) {
            if (end === undefined) return;
            if (frame.kind === "text") intake.message(end, frame.text);
            else if (frame.kind === "pong") intake.pong(end, frame.text);
            else if (frame.kind === "close") {
              made.far.leave();
              intake.closed(end, frame.code, frame.reason);
            }
          },
          broken: () => end !== undefined && intake.closed(end, ABNORMAL, ""),
        },
      },
    );
    try {
      end = {
        data: intake.admit(from),
        send: (text) => made.far.send({ kind: "text", text }),
        ping: (text) => made.far.send({ kind: "ping", text }),
        close(code, reason) {
          made.far.send({ kind: "close", code, reason });
          made.far.leave();
          // Asynchronous, as a WebSocket: never during the call.
          there.soon(() => end !== undefined && intake.closed(end, code, reason));
        },
      };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refuseFromThere("closed 1002 too many");
      return;
    }
    connection = made;
    cluster.links.add(made);
    intake.opened(end);
    // It was closed while it was being opened.
    if (closed) made.near.send({ kind: "close", code: ABNORMAL, reason: "" });
    trace.note(there.place.name, () => `link of ${from} is open`);
  }

  if (place === undefined) node.soon(() => refuse("closed 1006 no such address"));
  else network.send(node, place, accept, () => refuse("closed 1006 refused"));

  return {
    send: (text) => connection?.near.send({ kind: "text", text }),
    close(code) {
      if (closed) return;
      closed = true;
      connection?.near.send({ kind: "close", code, reason: "" });
      connection?.near.leave();
    },
  };
}
