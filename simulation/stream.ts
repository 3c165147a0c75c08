/**
 * A viewer's path to a frontend: through a load balancer, over a socket, and with separate
 * requests.
 */

import { zstdDecompressSync } from "node:zlib";
import {
  createFrameReader,
  type FrameReader,
  type Message,
  Problem,
  parseConnectionId,
} from "@ovation/protocol";
import { WireChecker } from "./checkers/wire-checker.ts";
import type { Cluster } from "./cluster.ts";
import type { Node } from "./node.ts";
import type { ChangeRequest, ConnectRequest } from "./processes/frontend-process.ts";
import { Socket } from "./socket.ts";
import type { World } from "./world.ts";

export interface StreamCallbacks {
  onMessage(message: Message): void;
  onAlive(): void;
  onRetry(ms: number): void;
  onEnd(kind: "ended" | "lost"): void;
  onRefused(problem: Problem): void;
}

export interface OpenStream {
  /** Present once the frontend accepted the connection. */
  readonly socket: Socket | undefined;
  close(): void;
}

/** The timeout of a connect without a response. */
const CONNECT_FAILS_MS = 4000;
const REQUEST_TIMEOUT_MS = 5000;
const ZSTD_BYTES_PER_WRITE = 300;

/** Opens a connection at a frontend that the load balancer chooses. */
export function openStream(
  world: World,
  cluster: Cluster,
  viewer: Node,
  request: ConnectRequest,
  callbacks: StreamCallbacks,
): OpenStream {
  const { network, trace } = world;
  const name = viewer.place.name;
  let closed = false;
  let socket: Socket | undefined;
  const fail = viewer.after(CONNECT_FAILS_MS, () => lost());
  const place = cluster.balance(viewer.place.datacenter);

  function lost(): void {
    if (closed || socket !== undefined) return;
    closed = true;
    fail();
    callbacks.onEnd("lost");
  }

  function arrived(problem: Problem): void {
    if (closed) return;
    closed = true;
    fail();
    callbacks.onRefused(problem);
  }

  function accept(there: Node): void {
    const process = cluster.processAt(there);
    if (process === undefined) return;
    try {
      process.connect(request, (held, gone) => {
        const wire = new WireChecker(world, name);
        const returned = (request.parameter ?? request.header ?? "") !== "";
        const reader = createReader(
          world,
          wire,
          returned,
          request.unnamed,
          (message) => !closed && callbacks.onMessage(message),
          callbacks.onRetry,
        );
        const made = new Socket({
          timeline: world.timeline,
          network,
          server: there,
          viewer,
          windowBytes: world.settings.windowBytes,
          bytesPerWrite: request.zstd ? ZSTD_BYTES_PER_WRITE : undefined,
          onBytes(bytes, step) {
            if (closed) return;
            fail();
            callbacks.onAlive();
            reader.feed(request.zstd ? zstdDecompressSync(bytes) : bytes, step);
          },
          onEnd(kind) {
            if (closed) return;
            closed = true;
            fail();
            trace.note(name, () => `stream ${kind}`);
            callbacks.onEnd(kind);
          },
          onGone: gone,
        });
        socket = made;
        cluster.sockets.add(made);
        if (closed) made.leave();
        held(made, wire);
        return made;
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      network.send(there, viewer.place, () => arrived(error));
    }
  }

  if (place === undefined) viewer.after(network.delay(viewer.place, viewer.place), lost);
  else network.send(viewer, place, accept, lost);

  return {
    get socket() {
      return socket;
    },
    close() {
      closed = true;
      fail();
      socket?.leave();
    },
  };
}

interface StreamReader {
  feed(bytes: Uint8Array, step: number): void;
}

/** Bytes to frames, each checked on the wire before the viewer gets it. */
function createReader(
  world: World,
  wire: WireChecker,
  returned: boolean,
  unnamed: boolean,
  onMessage: (message: Message) => void,
  onRetry: (ms: number) => void,
): StreamReader {
  const decoder = new TextDecoder();
  let step = 0;
  const frames: FrameReader = createFrameReader({
    onMessage(written) {
      const sent = unnamed ? withTypeInside(written) : written;
      for (const message of world.saboteur?.frames(sent, returned) ?? [sent]) {
        if (message.type === "connection") wire.opened(message.lastEventId);
        else if (message.type !== "reconnect")
          wire.message(message.type, JSON.parse(message.data), step);
        onMessage(message);
      }
    },
    onRetry,
  });
  return {
    feed(bytes, writtenStep) {
      step = writtenStep;
      frames.feed(decoder.decode(bytes, { stream: true }));
    },
  };
}

/** `events=message`: every event has EventSource's own name, and its type inside. */
function withTypeInside(message: Message): Message {
  const { type } = JSON.parse(message.data) as { readonly type: string };
  if (message.type !== "message") throw new Error(`an event is named ${message.type}`);
  return { ...message, type };
}

/** A request to any frontend: returns its status and body. Rejects where none comes. */
export async function changeSubscriptions(
  world: World,
  cluster: Cluster,
  viewer: Node,
  change: ChangeRequest,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const place = cluster.balance(viewer.place.datacenter);
  if (place === undefined) throw new TypeError("no frontend");
  try {
    const body = await world.network.call(viewer, place, REQUEST_TIMEOUT_MS, async (there) => {
      const connection = parseConnectionId(change.connection);
      const process = cluster.processAt(there);
      if (process === undefined) throw new Problem("bad-gateway");
      if (connection === undefined) throw new Problem("unknown-connection");
      try {
        return await process.change(change, connection);
      } catch (error) {
        // As `ovation/listener/listener.ts` answers an error that is no Problem.
        throw error instanceof Problem ? error : new Problem("internal-error", String(error));
      }
    });
    return { status: 200, body };
  } catch (error) {
    if (error instanceof Problem) return { status: error.status, body: error.toBody() };
    throw error;
  }
}
