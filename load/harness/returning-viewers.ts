/**
 * Viewers that return at once with the same position, on raw sockets: when is each whole? A process of its own.
 *
 *     bun load/harness/returning-viewers.ts '{"url":"…","path":"/v1/events?…","viewers":20000,"last":"\\"seq\\":500,"}'
 *
 * Prints one line of JSON: {@link ReturnResult}.
 */
import { fileURLToPath } from "node:url";

export interface ReturnTask {
  readonly url: string;
  /** With the position. */
  readonly path: string;
  readonly viewers: number;
  /** What the last event that was missed holds, and no other. */
  readonly last: string;
  readonly withinMs: number;
  /** Each has addresses of its own. */
  readonly process: number;
}

export interface ReturnResult {
  readonly whole: number;
  /** From the first connect until the last viewer was whole, ms. */
  readonly wholeMs: number;
  readonly bytes: number;
}

/**
 * Sockets without an answer at a time. A listener's queue in the kernel is bounded; whoever does not fit in waits for
 * seconds before the kernel tries again, which would be all that is measured.
 */
const CONNECTING_MAX = 400;
const AGAIN_MS = 20;
const VIEWERS_PER_ADDRESS = 10_000;
/** The last event may be cut in two by the chunks of the socket. */
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
      // A failure to connect arrives in `connectError`; the promise says the same a second time.
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
      // Whole already: what comes now is new.
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
    /** Put out before the first answer: comes again, as an EventSource does. */
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
