/** What a token allowed ends with it, over real sockets and several processes. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { Server } from "../../testing/server.ts";
import { token } from "../../testing/token.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";

const TOKEN_S = 5;
const STREAMS = 6;
const PRIVATE = "member:alice";

let server: Server;
beforeAll(async () => {
  server = await Server.start({ flags: ["--workers", "2"] });
}, 60_000);
afterAll(() => server.stop());

test("private events end with the token of a PUT, whichever process got the PUT", async () => {
  const { port, url } = server;
  const viewers = Array.from(
    { length: STREAMS },
    () => new Viewer({ port, path: "/v1/events?topic=video:public" }),
  );
  await until(() => viewers.every((viewer) => viewer.isConnected), "all are connected");
  const authorization = `Bearer ${await token({ sub: "alice" }, TOKEN_S)}`;
  // Tokens count in whole seconds: this is the latest that it may be.
  const expiresAt = Math.floor(Date.now() / 1000) + TOKEN_S;
  for (const viewer of viewers) {
    const answer = await fetch(`${url}/v1/connections/${viewer.connectionId}/subscriptions`, {
      method: "PUT",
      headers: { authorization, connection: "close" },
      body: JSON.stringify({ topics: [PRIVATE] }),
    });
    expect(await answer.json()).toMatchObject({ results: { [PRIVATE]: { ok: true } } });
  }
  let count = 0;
  while (Date.now() < (expiresAt + 3) * 1000) {
    await server.publish([{ topic: PRIVATE, type: "secret", data: ++count }]);
    await Bun.sleep(50);
  }
  for (const viewer of viewers) {
    const times = viewer.of("secret").map(({ receivedAt }) => receivedAt);
    expect(times.length).toBeGreaterThan(0);
    expect(Math.max(...times)).toBeLessThan((expiresAt + 1) * 1000);
    expect(viewer.of("reconnect").at(-1)?.data.reason).toBe("token-expired");
    viewer.close();
  }
  const late = await fetch(`${url}/v1/events?topic=${PRIVATE}`, { headers: { authorization } });
  expect(late.status).toBe(401);
}, 30_000);
