/**
 * One client on one way: durable events of odd Unicode, the server killed and started again in the
 * middle, and each event has to arrive once, in order, as it was, and soon.
 */

import { reach, type Way } from "./ways.ts";

export interface Trial {
  readonly faults: readonly string[];
  /** From the publish to the client's callback, of events that came while the server was there. */
  readonly slowestMs: number;
}

const TOPIC = "video:clients";
const EVENTS_EACH = 15;
const ROUNDS = 3;
/** An event that is later was held back. */
const LATE_MS = 1500;
const RETURN_MS_MAX = 25_000;

const TEXTS = [
  "plain",
  "héllo ñ",
  "日本語",
  "🎉👩‍👩‍👧‍👦",
  "علی‌رضا",
  "\u2028\u2029\u0085",
  "a\ufeffb",
  "data: x",
  "\\n \\r",
  '"</script>',
  ": colon",
  "e\u0301",
  "𝔘𝔫𝔦",
  "\u00ad\u200b",
  " spaces ",
  "x".repeat(8000),
];

export async function tryClient(
  command: readonly string[],
  way: Way,
  directory: string,
): Promise<Trial> {
  const reached = await reach(way, directory);
  const { server, environment } = reached;
  const seen: { readonly text: string; readonly at: number }[] = [];
  const address = `${reached.url}/v1/events?topic=${TOPIC}`;
  const child = Bun.spawn([...command, address], {
    cwd: `${import.meta.dir}/../..`,
    env: { ...process.env, ...environment },
    stdout: "pipe",
    stderr: "pipe",
  });
  const errors = new Response(child.stderr).text();
  void readLines(child.stdout, (line) => seen.push({ text: textOf(line), at: performance.now() }));
  const expected: string[] = [];
  let slowestMs = 0;
  /** A client that does not come back has nothing left to do, and its process ends. */
  const hasGivenUp = () => child.exitCode !== null;
  let gaveUp = false;

  async function publish(isThere: boolean): Promise<void> {
    const text = `${expected.length} ${TEXTS[expected.length % TEXTS.length]}`;
    expected.push(text);
    const startedAt = performance.now();
    await server.publish([{ topic: TOPIC, type: "goal", data: { text }, durable: true }]);
    if (!isThere) return;
    const count = expected.length;
    await arrives(() => seen.length >= count || hasGivenUp(), LATE_MS * 2);
    const at = seen[count - 1]?.at;
    slowestMs = Math.max(slowestMs, (at ?? performance.now()) - startedAt);
  }

  try {
    const connects = () => server.metric("ovation_frontend_connects_total");
    await arrives(async () => (await connects()) > 0, RETURN_MS_MAX);
    for (let round = 0; round < ROUNDS; round++) {
      for (let count = 0; count < EVENTS_EACH; count++) await publish(true);
      if (round === ROUNDS - 1) break;
      await server.kill();
      await server.run();
      // What it misses, and what comes while it returns.
      for (let count = 0; count < 3; count++) await publish(false);
      await arrives(() => seen.length >= expected.length || hasGivenUp(), RETURN_MS_MAX);
    }
    await Bun.sleep(300);
    gaveUp = hasGivenUp();
  } finally {
    child.kill("SIGTERM");
    await Promise.race([child.exited, Bun.sleep(2000)]);
    child.kill("SIGKILL");
    await reached.stop();
  }
  const faults = compare(
    expected,
    seen.map(({ text }) => text),
  );
  if (gaveUp) faults.push("it gave up");
  else if (slowestMs > LATE_MS) faults.push(`held back for ${(slowestMs / 1000).toFixed(1)} s`);
  if (faults.length > 0) {
    const said = (await errors).trim().split("\n").slice(-2).join(" | ").slice(0, 300);
    if (said !== "") faults.push(`its errors: ${said}`);
  }
  return { faults, slowestMs };
}

function compare(expected: readonly string[], seen: readonly string[]): string[] {
  const faults: string[] = [];
  const missing = expected.filter((text) => !seen.includes(text));
  const repeated = seen.length - new Set(seen).size;
  const foreign = seen.filter((text) => !expected.includes(text));
  if (missing.length > 0) faults.push(`${missing.length} of ${expected.length} missing`);
  if (repeated > 0) faults.push(`${repeated} twice`);
  if (foreign.length > 0) faults.push(`changed: ${JSON.stringify(foreign[0]?.slice(0, 40))}`);
  if (faults.length === 0 && seen.some((text, index) => text !== expected[index]))
    faults.push("out of order");
  return faults;
}

/** A driver says the event's `data` as text, or, from a shell, as it came. */
function textOf(line: string): string {
  const said = JSON.parse(line) as { data?: string; raw?: { data: { text: string } } };
  const envelope = said.raw ?? (JSON.parse(said.data ?? "null") as { data: { text: string } });
  return envelope.data.text;
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("{")) onLine(line);
  }
}

async function arrives(holds: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) return;
    await Bun.sleep(5);
  }
}
