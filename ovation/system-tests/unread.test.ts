/** Answers that are not read, thousands from one address: what each costs the process. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";
import { KernelSocket } from "./testing/kernel-socket.ts";

const SOCKETS = 2500;
const KILOBYTE = 1024;
const EACH_BYTES_MAX = 40 * KILOBYTE;
const FILES_MAX = 20_000;

const forms: readonly (readonly [what: string, flags: readonly string[]])[] = [
  ["one process", []],
  ["two workers", ["--workers", "2"]],
];

for (const [form, flags] of forms) {
  describe(`${SOCKETS} unread answers, ${form}:`, () => {
    let server: Server;
    let viewer: Viewer;
    beforeAll(async () => {
      server = await Server.start({ flags: ["--demo", ...flags], descriptorsMax: FILES_MAX });
      viewer = new Viewer({ port: server.port, path: "/v1/events?topic=video:unread" });
      await until(() => viewer.isConnected, "a viewer is connected");
      const data = { text: "a long comment ".repeat(13), author: { id: "ana", name: "Ana" } };
      const comment = { topic: "video:unread", type: "comment", data, durable: true };
      await server.publish(Array.from({ length: 500 }, () => comment));
    }, 60_000);
    afterAll(async () => {
      viewer.close();
      await server.stop();
    });

    /** RSS of all its processes. */
    const memory = () => server.metric("process_resident_memory_bytes");

    const requests: readonly (readonly [what: string, lines: readonly string[]])[] = [
      ["a file", ["GET /media/demo.mp4 HTTP/1.1"]],
      ["a part of a file", ["GET /media/demo.mp4 HTTP/1.1", "Range: bytes=1000-"]],
      ["a file over HTTP/1.0", ["GET /media/demo.webm HTTP/1.0"]],
      ["a script", ["GET /assets/SCRIPT HTTP/1.1"]],
      ["a page of history", ["GET /v1/videos/unread/comments?limit=500 HTTP/1.1"]],
    ];
    for (const [what, lines] of requests) {
      test(`${what} costs less than 40 KB each, and a viewer is served meanwhile`, async () => {
        const text = `${[...lines, "Host: x"].join("\r\n")}\r\n\r\n`.replace(
          "SCRIPT",
          await script(),
        );
        const before = await memory();
        const sockets = Array.from({ length: SOCKETS }, () => new KernelSocket(server.port));
        for (const socket of sockets) socket.send(text);
        await Bun.sleep(3000);
        const each = ((await memory()) - before) / SOCKETS;
        expect(each).toBeLessThan(EACH_BYTES_MAX);
        const { gone } = viewer;
        await server.publish([{ topic: "video:unread", type: "goal", data: { what } }]);
        await until(
          () =>
            viewer
              .of("goal")
              .some(({ data }) => (data as unknown as { what: string }).what === what),
          "the viewer has the event",
          2000,
        );
        expect(gone).toEqual([]);
        for (const socket of sockets) socket.close();
      }, 60_000);
    }

    /** The largest. */
    async function script(): Promise<string> {
      const page = await (await server.get("/watch/demo")).text();
      const names = [...page.matchAll(/\/assets\/([\w.-]+\.js)/g)].map(([, name = ""]) => name);
      const sizes = await Promise.all(
        names.map(async (name) => {
          const headers = { "accept-encoding": "identity" };
          const body = await (await server.get(`/assets/${name}`, { headers })).bytes();
          return { name, size: body.length };
        }),
      );
      return sizes.toSorted((a, b) => b.size - a.size)[0]?.name ?? "";
    }
  });
}
