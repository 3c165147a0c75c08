/**
 * Viewers that return at once with the same position, on raw sockets: when has each caught up? A
 * separate process.
 *
 *     bun load/harness/returning-viewers.ts '{"url":"…","path":"/v1/events?…",
 *       "viewers":20000,"last":"\\"seq\\":500,"}'
 *
 * Prints one line of JSON: {@link ReturnResult}.
 */
import { fileURLToPath } from "node:url";

export interface ReturnTask {
  readonly url: string;
  /** With the position. */
  readonly path: string;
  readonly viewers: number;
  /** A text that only the last missed event contains. */
  readonly last: string;
  readonly withinMs: number;
  /** Each has its own addresses. */
  readonly process: number;
}

export interface ReturnResult {
  readonly whole: number;
  /** From the first connect until the last viewer had caught up, ms. */
  readonly wholeMs: number;
  readonly bytes: number;
}

/**
 * Sockets in flight. A listener's queue in the kernel is bounded; over it the kernel retries after
 * seconds, which would then be all that is measured.
 */
const CONNECTING_MAX = 400;
const AGAIN_MS = 20;
const VIEWERS_PER_ADDRESS = 10_000;
/** The last event may be split over two chunks of the socket. */
const TAIL_BYTES = 64;

export async function runReturningViewers(task: ReturnTask): Promise<ReturnResult> {
  const child = Bun.spawn(
    [process.execPath, fileURLToPath(import.meta.url), JSON.stringify(task)],
    { stdout: "pipe", stderr: "inherit" },
  );
  return JSON.parse(await new Response(child.stdout).text()) as ReturnResult;
}

if (import.meta.main) {
  console.log(JSON.stringify(await comeBack(JSON.parse(process.argv[2] ?? "{}") as ReturnTask)));
  process.exit(0);
}

async function comeBack({
  url,
  path,
  viewers,
  last,
  withinMs,
  process: number,
}: ReturnTask): Promise<ReturnResult> {
  const { hostname, port } = new URL(url);
  const wanted = Buffer.from(last);
  const started = performance.now();
  let [whole, wholeMs, bytes, begun, connecting] = [0, 0, 0, 0, 0];
  const { promise, resolve } = Promise.withResolvers<void>();
  const tails = new WeakMap<object, Buffer>();
  const timer = setTimeout(resolve, withinMs);

  function more(): void {
    while (connecting < CONNECTING_MAX && begun < viewers) {
      const block = Math.floor(begun++ / VIEWERS_PER_ADDRESS);
      connecting++;
      const options = {
        hostname,
        port: Number(port),
        localAddress: `127.${9 + number}.${1 + block}.1`,
        socket: handlers,
      };
      // A failure to connect arrives in `connectError`; the promise reports it again.
      Bun.connect(options).catch(() => undefined);
    }
  }

  function again(): void {
    connecting--;
    begun--;
    setTimeout(more, AGAIN_MS);
  }

  const handlers = {
    open(socket: { write(text: string): number }) {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
    },
    data(socket: object, chunk: Buffer) {
      bytes += chunk.length;
      const tail = tails.get(socket);
      if (tail === undefined) {
        connecting--;
        more();
      }
      // Already caught up: this is new.
      if (tail !== undefined && tail.length === 0) return;
      const found =
        chunk.includes(wanted) ||
        (tail !== undefined &&
          Buffer.concat([tail, chunk.subarray(0, TAIL_BYTES)]).includes(wanted));
      tails.set(socket, found ? Buffer.alloc(0) : Buffer.from(chunk.subarray(-TAIL_BYTES)));
      if (!found) return;
      wholeMs = performance.now() - started;
      if (++whole === viewers) resolve();
    },
    /** Closed before the first response: reconnects, as an EventSource does. */
    close(socket: object) {
      if (!tails.has(socket)) again();
    },
    connectError: () => again(),
  };
  more();
  await promise;
  clearTimeout(timer);
  return { whole, wholeMs, bytes };
}
