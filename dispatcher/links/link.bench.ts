/**
 * What the link from a dispatcher to a frontend costs: the encodings that were considered, and the
 * transports, each between two processes on this machine.
 *
 *     sh ovation/bin/bun dispatcher/links/link.bench.ts [--seconds 2]
 *
 * The figures behind docs/decisions/dispatcher-frontend-link.md.
 */

import { connect, createServer } from "node:http2";
import { parseArgs } from "node:util";
import { type Event, type JsonText, systemClock, toJsonText, topicOf } from "@ovation/protocol";
import { decodeEvents, encodeEvents } from "../event-codec.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "2" }, receiver: { type: "string" } },
});
const seconds = Number(values.seconds);
const SECRET = "only for this benchmark";
const EVENTS_MAX = 10_000;

function sample(index: number): Event {
  const text = `Was für ein Tor! "Number ${index}" and some more words of a comment`;
  const author = { id: `u${index % 1000}`, name: "Ana Lima", role: "member" };
  return {
    topic: topicOf("video", `${index % 20}`),
    type: "comment",
    at: 1_732_300_000_000 + index,
    data: toJsonText({ text, author }),
    place: { seq: index + 1, epoch: "k3f9q", stamp: 1_732_300_000_000 },
  };
}
const events = Array.from({ length: 1000 }, (_, index) => sample(index));

if (values.receiver === undefined) {
  benchCodecs();
  for (const transport of ["websocket", "http2", "http1"])
    for (const batch of [1, 10, 100, 1000]) await benchTransport(transport, batch);
  process.exit(0);
} else {
  await receive(values.receiver);
}

function toJson({ data, ...head }: Event): string {
  return `${JSON.stringify(head).slice(0, -1)},"data":${data}}`;
}

function benchCodecs(): void {
  const forms: Record<string, { encode(): string; decode(text: string): unknown }> = {
    "JSON, data as a string": {
      encode: () => JSON.stringify(events),
      decode: (text) => JSON.parse(text),
    },
    "JSON, data as JSON, parsed and written again": {
      encode: () => `[${events.map(toJson).join(",")}]`,
      decode: (text) =>
        (JSON.parse(text) as { data: unknown }[]).map((event) => ({
          ...event,
          data: JSON.stringify(event.data) as JsonText,
        })),
    },
    "two lines each (chosen; checked while read)": {
      encode: () => encodeEvents(events),
      decode: (text) => decodeEvents(text, { eventsMax: EVENTS_MAX }),
    },
  };
  const mean = events.reduce((sum, { data }) => sum + data.length, 0) / events.length;
  console.log(`encoding, 1,000 comments of ${mean.toFixed(0)} bytes of data:`);
  for (const [name, { encode, decode }] of Object.entries(forms)) {
    const text = encode();
    const encodeMicros = microsEach(encode);
    // From bytes and to bytes, as they come from the network: a flat string, not a rope.
    const bytes = new TextEncoder().encode(text);
    const decodeMicros = microsEach(() => decode(new TextDecoder().decode(bytes)));
    const size = (bytes.length / events.length).toFixed(0);
    console.log(
      `  ${name.padEnd(48)} ${encodeMicros.toFixed(2)} µs encode  ` +
        `${decodeMicros.toFixed(2)} µs decode  ${size} B per event`,
    );
  }
}

function microsEach(run: () => unknown): number {
  const encoder = new TextEncoder();
  const once = () => {
    const answer = run();
    if (typeof answer === "string") encoder.encode(answer);
  };
  for (let round = 0; round < 50; round++) once();
  const start = performance.now();
  let rounds = 0;
  while (performance.now() - start < 300) {
    once();
    rounds++;
  }
  return ((performance.now() - start) * 1000) / rounds / events.length;
}

/** Sends batches for a while, at most 8 in flight; prints what both processes needed. */
async function benchTransport(transport: string, batch: number): Promise<void> {
  const child = Bun.spawn([process.execPath, import.meta.path, "--receiver", transport], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const port = Number(new TextDecoder().decode((await reader.read()).value).trim());
  const share = events.slice(0, batch);
  const send = await connectTo(transport, port);
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  let sent = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (performance.now() - start < seconds * 1000) {
        const began = performance.now();
        await send(encodeEvents(share));
        latencies.push(performance.now() - began);
        sent += batch;
      }
    }),
  );
  const elapsed = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  child.kill("SIGTERM");
  const receiverMicros = Number(new TextDecoder().decode((await reader.read()).value).trim());
  await child.exited;
  latencies.sort((left, right) => left - right);
  const perSecond = Math.round(sent / elapsed).toLocaleString("en");
  const senderMicros = (used.user + used.system) / sent;
  console.log(
    `${transport.padEnd(10)} batches of ${String(batch).padStart(4)}  ` +
      `${perSecond.padStart(9)} events/s   CPU per event: ` +
      `sender ${senderMicros.toFixed(2)} µs, receiver ${(receiverMicros / sent).toFixed(2)} µs   ` +
      `answered p50 ${latencies[Math.floor(latencies.length / 2)]?.toFixed(2)} ms`,
  );
}

async function connectTo(
  transport: string,
  port: number,
): Promise<(body: string) => Promise<unknown>> {
  const { createInternalAuth } = await import("../internal/auth.ts");
  const auth = createInternalAuth({ secrets: [SECRET], clock: systemClock });
  if (transport === "http1") {
    return async (body) => {
      const headers = auth.sign({ method: "POST", path: "/", from: "dispatcher x", to: "", body });
      return (
        await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body })
      ).arrayBuffer();
    };
  }
  if (transport === "http2") {
    const session = connect(`http://127.0.0.1:${port}`);
    return (body) =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ":method": "POST", ":path": "/" });
        stream.on("error", reject);
        stream.on("end", resolve);
        stream.resume();
        stream.end(body);
      });
  }
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  const waiting: (() => void)[] = [];
  socket.onmessage = () => waiting.shift()?.();
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  return (body) =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
      socket.send(body);
    });
}

async function receive(transport: string): Promise<void> {
  let port = 0;
  const take = (text: string) => decodeEvents(text, { eventsMax: EVENTS_MAX });
  if (transport === "http2") {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        take(Buffer.concat(chunks).toString());
        response.end("{}");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    port = typeof address === "object" && address !== null ? address.port : 0;
  } else {
    const { createInternalAuth } = await import("../internal/auth.ts");
    const auth = createInternalAuth({ secrets: [SECRET], clock: systemClock });
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request, self) {
        if (transport === "websocket") return self.upgrade(request) ? undefined : new Response("");
        const body = new Uint8Array(await request.arrayBuffer());
        auth.verify({ method: "POST", path: "/", body }, request.headers);
        take(new TextDecoder().decode(body));
        return new Response("{}");
      },
      websocket: {
        message(socket, message) {
          take(String(message));
          socket.send("1");
        },
      },
    });
    port = server.port ?? 0;
  }
  const cpu = process.cpuUsage();
  process.on("SIGTERM", () => {
    const used = process.cpuUsage(cpu);
    process.stdout.write(`${used.user + used.system}\n`);
    process.exit(0);
  });
  process.stdout.write(`${port}\n`);
}
