/** A viewer stops reading, is closed for it and returns: its `gap`. Real process. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createFrameReader } from "@ovation/protocol";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

const TOPIC = "video:stuck";
const STUCK_SECONDS = 2;
/** With 48 KB each: more than the buffers of both kernels and the ring. */
const GOALS = 500;
const PAYLOAD = "g".repeat(48 * 1024);
/** Of a broadcast that was cut in the middle, what came after the cut is not counted. */
const GOALS_PER_BATCH_MAX = 8;

let server: Server;
beforeAll(async () => {
  const flags = ["--heartbeat-seconds", "1", "--stuck-seconds", String(STUCK_SECONDS)];
  server = await Server.start({ flags: [...flags, "--rate-limits", "off"] });
}, 30_000);
afterAll(() => server.stop());

/** A client of HTTP/1.0, whose socket can stop reading. */
async function openReader(lastEventId = "") {
  const seen = { goals: 0, lost: [] as number[], lastEventId, isOpen: false, isClosed: false };
  let text = "";
  let isBody = false;
  const reader = createFrameReader({
    onMessage({ type, data, lastEventId: id }) {
      seen.isOpen = true;
      if (id !== "") seen.lastEventId = id;
      if (type === "goal") seen.goals++;
      if (type === "gap") seen.lost.push(JSON.parse(data).data.lost);
    },
  });
  const decoder = new TextDecoder();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: server.port,
    socket: {
      open: (opened) => {
        const position = lastEventId === "" ? "" : `Last-Event-ID: ${lastEventId}\r\n`;
        opened.write(`GET /v1/events?topic=${TOPIC} HTTP/1.0\r\nHost: x\r\n${position}\r\n`);
      },
      data(_, chunk) {
        const part = decoder.decode(chunk, { stream: true });
        if (isBody) return reader.feed(part);
        text += part;
        const end = text.indexOf("\r\n\r\n");
        if (end < 0) return;
        isBody = true;
        reader.feed(text.slice(end + 4));
      },
      close: () => {
        seen.isClosed = true;
      },
      error: () => undefined,
    },
  });
  await until(() => seen.isOpen, "the stream is open");
  return { seen, socket };
}

test("a viewer that was closed as stuck is told at its return what it missed", async () => {
  const { seen, socket } = await openReader();
  const other = await openReader();
  const goals = (count: number) =>
    server.publish(
      Array.from({ length: count }, () => ({ topic: TOPIC, type: "goal", data: { PAYLOAD } })),
    );
  await goals(1);
  await until(() => seen.goals === 1, "the first goal arrives");
  socket.pause();
  for (let sent = 0; sent < GOALS; sent++) await goals(1);
  await until(
    async () => (await server.metric('ovation_frontend_closes_total{reason="stuck"}')) === 1,
    "it is closed as stuck",
    (STUCK_SECONDS + 10) * 1000,
  );
  await goals(7);
  // What its own kernel had received by then is read after the cut.
  socket.resume();
  await until(() => seen.isClosed, "it sees the cut");
  expect(seen.goals).toBeLessThan(GOALS);
  const back = await openReader(seen.lastEventId);
  await until(() => back.seen.lost.length > 0, "its gap arrives");
  const missed = 1 + GOALS + 7 - seen.goals;
  const [lost = 0] = back.seen.lost;
  expect(lost).toBeLessThanOrEqual(missed);
  expect(missed - lost).toBeLessThanOrEqual(GOALS_PER_BATCH_MAX);
  await goals(1);
  await until(() => back.seen.goals === 1, "the next goal arrives");
  expect(back.seen.lost).toHaveLength(1);
  back.socket.terminate();
  other.socket.terminate();
}, 60_000);
