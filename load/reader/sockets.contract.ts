/** The contract of every form of `Sockets`, against a server that is commanded by one line. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { TCPSocketListener, Socket as TypedSocket } from "bun";
import { until } from "../../testing/until.ts";
import type { ReaderSocket, SocketHandlers, Sockets } from "./sockets.ts";

type Socket = TypedSocket<unknown>;
type Create = (port: number, handlers: SocketHandlers<Viewer>) => Sockets<Viewer>;

/** One connection of a test, and its events. */
class Viewer {
  readonly calls: string[] = [];
  readonly parts: Buffer[] = [];
  readonly whole = Promise.withResolvers<void>();
  socket: ReaderSocket | undefined;
  request = "";
  onReceived: () => void = () => undefined;

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}

const MEGABYTES = Buffer.alloc(5_000_003, "many bytes, more than any buffer holds. ");

export function socketsContract(name: string, create: Create): void {
  describe(name, () => {
    let server: TCPSocketListener;
    let sockets: Sockets<Viewer>;
    const accepted: Socket[] = [];
    const viewers: Viewer[] = [];
    const addresses: string[] = [];
    let rounds = 0;
    let unended = 0;

    beforeEach(() => {
      server = listen(accepted, addresses);
      sockets = create(server.port, {
        opened(viewer) {
          viewer.calls.push("opened");
          viewer.socket?.write(viewer.request);
        },
        received(viewer, bytes, length) {
          viewer.calls.push("received");
          viewer.parts.push(Buffer.from(bytes.subarray(0, length)));
          unended++;
          viewer.onReceived();
        },
        roundEnded() {
          rounds++;
          unended = 0;
        },
        closed(viewer, failure) {
          viewer.calls.push(failure === undefined ? "closed" : `closed: ${failure}`);
          viewer.whole.resolve();
        },
      });
    });

    afterEach(() => {
      for (const viewer of viewers.splice(0)) viewer.socket?.terminate();
      sockets.end();
      server.stop(true);
      accepted.length = 0;
      addresses.length = 0;
      rounds = 0;
    });

    function connect(request: string, source?: string): Viewer {
      const viewer = new Viewer();
      viewer.request = `${request}\n`;
      viewers.push(viewer);
      viewer.socket = sockets.connect(viewer, source);
      expect(viewer.calls).toEqual([]);
      return viewer;
    }

    test("bytes arrive complete and in order, and the end after them", async () => {
      const viewer = connect("megabytes");
      await viewer.whole.promise;
      expect(viewer.bytes.equals(MEGABYTES)).toBe(true);
      expect([...new Set(viewer.calls)]).toEqual(["opened", "received", "closed"]);
      expect(viewer.calls.filter((call) => call !== "received")).toEqual(["opened", "closed"]);
    });

    test("many sockets that reuse the same descriptors get each its own bytes", async () => {
      for (let turn = 0; turn < 3; turn++) {
        const each = Array.from({ length: 150 }, (_, number) => connect(`echo ${turn}-${number}`));
        await Promise.all(each.map((viewer) => viewer.whole.promise));
        expect(each.map((viewer) => viewer.bytes.toString())).toEqual(
          each.map((_, number) => `${turn}-${number}`),
        );
      }
    });

    test("a connection that floods delays no other", async () => {
      const flood = connect("flood");
      await until(() => flood.parts.length !== 0);
      const other = connect("echo hello");
      await other.whole.promise;
      expect(other.bytes.toString()).toBe("hello");
      expect(flood.calls).not.toContain("closed");
    });

    test("a request longer than the kernel's buffers is sent completely", async () => {
      const viewer = connect(`count ${"x".repeat(3_000_000)}`);
      await viewer.whole.promise;
      expect(viewer.bytes.toString()).toBe("3000000");
    });

    test("a round ends after every read, before anything else of the process runs", async () => {
      const viewer = connect("echo hello");
      let seen = 0;
      viewer.onReceived = () => setTimeout(() => (seen = unended), 0);
      await viewer.whole.promise;
      await Bun.sleep(5);
      expect(seen).toBe(0);
      expect(rounds).toBeGreaterThan(0);
    });

    test("the source address is the one that was asked for", async () => {
      await connect("echo hello", "127.7.8.9").whole.promise;
      expect(addresses).toEqual(["127.7.8.9"]);
    });

    test("where nothing listens the failure is named, once", async () => {
      server.stop(true);
      const viewer = connect("echo hello");
      await viewer.whole.promise;
      await Bun.sleep(20);
      expect(viewer.calls).toEqual(["closed: ECONNREFUSED"]);
      expect(viewer.socket?.opened).toBe(false);
    });

    test("close, also from within a read, is reported once, and nothing after it", async () => {
      const viewer = connect("flood");
      viewer.onReceived = () => viewer.socket?.terminate();
      await viewer.whole.promise;
      await Bun.sleep(20);
      expect(viewer.calls).toEqual(["opened", "received", "closed"]);
      const early = connect("echo hello");
      early.socket?.terminate();
      early.socket?.terminate();
      await early.whole.promise;
      await Bun.sleep(20);
      expect(early.calls).toEqual(["closed"]);
    });

    test("after a graceful end the server sees the end", async () => {
      const viewer = connect("stay");
      await until(() => accepted.length > 0 && viewer.parts.length > 0);
      viewer.socket?.end();
      await viewer.whole.promise;
      await until(() => accepted[0]?.readyState === -1);
      expect(accepted[0]?.readyState).not.toBe(1);
    });

    test("a server that resets the connection closes it", async () => {
      const viewer = connect("reset");
      await viewer.whole.promise;
      expect(viewer.calls.at(-1)).toBe("closed");
    });

    test("timers and promises run while a connection floods, and while all are idle", async () => {
      connect("stay");
      const flood = connect("flood");
      for (let times = 0; times < 20; times++) {
        const from = performance.now();
        await Bun.sleep(1);
        expect(performance.now() - from).toBeLessThan(500);
      }
      expect(flood.bytes.length).toBeGreaterThan(0);
    });
  });
}

/** Answers the first line: `megabytes`, `echo TEXT`, `count TEXT`, `flood`, `stay`, `reset`. */
function listen(accepted: Socket[], addresses: string[]): TCPSocketListener {
  const requests = new WeakMap<object, string>();
  const unsent = new WeakMap<object, Buffer>();
  const FLOOD = Buffer.alloc(1_000_000, ".");

  function send(socket: Socket, bytes: Buffer, then: () => void): void {
    const rest = bytes.subarray(socket.write(bytes));
    if (rest.length > 0) unsent.set(socket, rest);
    else then();
  }

  function answer(socket: Socket, line: string): void {
    const [verb, text = ""] = line.split(" ");
    if (verb === "megabytes") send(socket, MEGABYTES, () => socket.end());
    else if (verb === "echo") socket.end(text);
    else if (verb === "count") socket.end(String(text.length));
    else if (verb === "flood") send(socket, FLOOD, () => setImmediate(() => answer(socket, line)));
    else if (verb === "stay") socket.write("here");
    else socket.terminate();
  }

  return Bun.listen<unknown>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        accepted.push(socket);
        addresses.push(socket.remoteAddress);
      },
      data(socket, bytes) {
        const request = (requests.get(socket) ?? "") + bytes.toString("latin1");
        requests.set(socket, request);
        if (request.endsWith("\n")) answer(socket, request.trimEnd());
      },
      drain(socket) {
        const rest = unsent.get(socket);
        if (rest === undefined) return;
        unsent.delete(socket);
        const line = (requests.get(socket) ?? "").trimEnd();
        send(socket, rest, () => (line === "flood" ? answer(socket, line) : socket.end()));
      },
    },
  });
}
