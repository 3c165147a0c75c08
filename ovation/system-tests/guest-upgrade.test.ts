/** A guest becomes a member: what the guest's token opened ends. Real processes. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Server } from "../../testing/server.ts";
import { token } from "../../testing/token.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";

for (const flags of [[], ["--workers", "2"]])
  describe(`start ${flags.join(" ")}`, () => {
    let server: Server;
    beforeAll(async () => {
      server = await Server.start({ flags });
    }, 60_000);
    afterAll(() => server.stop());

    const ask = async (method: string, path: string, bearer?: string, body?: unknown) => {
      const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await server.get(path, { method, headers: authorization, ...text });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };

    test("open streams end at once, and every way to the topic refuses the token", async () => {
      const { body } = await ask("POST", "/v1/guests", undefined, { name: "Ana" });
      const guestToken = String(body["token"]);
      const own = `member:${(body["member"] as { id: string }).id}`;
      const path = `/v1/events?topic=video:v&topic=${own}`;
      const { port } = server;
      const headers = { authorization: `Bearer ${guestToken}` };
      const streams = Array.from({ length: 4 }, () => new Viewer({ port, path, headers }));
      const anonymous = new Viewer({ port, path: "/v1/events?topic=video:v" });
      const all = [...streams, anonymous];
      await until(() => all.every((viewer) => viewer.isConnected), "all are connected");
      const change = (connection: string) =>
        ask("PUT", `/v1/connections/${connection}/subscriptions`, guestToken, { topics: [own] });
      expect((await change(anonymous.connectionId)).status).toBe(200);
      const poll = (from = "") =>
        server.get(path + from, { headers: { ...headers, accept: "application/json" } });
      /** Polls as a client does, until it is told that there is no more. */
      const pollToEnd = async () => {
        for (let from = ""; ; ) {
          const answer = await poll(from);
          const text = await answer.text();
          if (answer.status !== 200 || text.includes("token-expired")) return text;
          const { connectionId, position } = JSON.parse(text) as Record<string, string>;
          from = `&connection=${connectionId}&last_event_id=${encodeURIComponent(position ?? "")}`;
        }
      };
      const polled = pollToEnd();

      const ana = await token({ sub: "ana" });
      expect((await ask("POST", "/v1/guests/upgrade", ana, { guestToken })).status).toBe(200);
      await until(() => all.every((viewer) => !viewer.isConnected), "all have ended", 3_000);
      for (const viewer of all)
        expect(viewer.of("reconnect").at(-1)?.data.reason).toBe("token-expired");
      expect(await polled).toMatch(/"reason":"token-expired"|"token-invalid"/);

      const again = new Viewer({ port, path, headers });
      await until(() => again.status === 401, "the stream is refused");
      expect((await poll()).status).toBe(401);
      const other = new Viewer({ port, path: "/v1/events?topic=video:v" });
      await until(() => other.isConnected, "a viewer without a token is connected");
      const refused = await change(other.connectionId);
      expect([refused.status, refused.body["code"]]).toEqual([401, "token-invalid"]);
      for (const viewer of [...all, again, other]) viewer.close();
    }, 30_000);

    test("nothing is published to a deleted video, until the video is put again", async () => {
      const publisher = await token({ sub: "backend", publish: ["video:*"] });
      const publish = (durable: boolean) =>
        ask("POST", "/v1/publish", publisher, { topic: "video:x", type: "goal", durable });
      expect((await ask("PUT", "/v1/videos/x", publisher, { title: "X" })).status).toBeLessThan(
        300,
      );
      expect((await publish(true)).status).toBe(201);
      expect((await ask("DELETE", "/v1/videos/x", publisher)).status).toBe(200);
      for (const durable of [true, false]) {
        const { status, body } = await publish(durable);
        expect([status, body["code"]]).toEqual([410, "video-deleted"]);
      }
      expect((await ask("PUT", "/v1/videos/x", publisher, { title: "X" })).status).toBeLessThan(
        300,
      );
      expect((await publish(true)).status).toBe(201);
    });
  });
