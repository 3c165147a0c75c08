/** A server on files with a flipped bit: what is damaged is refused and named, all else works. */

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Server } from "../../testing/server.ts";
import { healthOf } from "../cluster/testing/health.ts";

setDefaultTimeout(60_000);

const COMMAND = join(import.meta.dir, "../bin/ovation");

const PAGE = readFileSync(join(import.meta.dir, "../../docs/operating/metrics.md"), "utf8");

let server: Server;
afterEach(() => server.stop());

const FORMS: Readonly<Record<string, readonly string[]>> = {
  "one process": [],
  "two workers": ["--workers", "2"],
};

async function comment(video: string, text: string): Promise<void> {
  const guest = await post("/v1/guests", { name: "Ana" });
  const { token } = (await guest.json()) as { readonly token: string };
  const answer = await post(
    `/v1/videos/${video}/comments`,
    { text, clientId: crypto.randomUUID() },
    token,
  );
  expect(answer.status).toBe(201);
}

function post(path: string, body: unknown, token?: string): Promise<Response> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(server.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...authorization },
    body: JSON.stringify(body),
  });
}

describe.each(Object.entries(FORMS))("with %s", (_, flags) => {
  test("a flipped bit in a comment and in a video: 503, degraded, named", async () => {
    server = await Server.start({ flags });
    for (const video of ["sound", "worn", "torn"]) await comment(video, `word of ${video}`);
    for (const video of ["sound", "torn"])
      expect((await post(`/v1/videos/${video}/likes`, { kind: "like", count: 3 })).status).toBe(
        202,
      );
    await server.end();
    const data = join(server.directory, "data");
    const log = join(data, "log.sqlite");
    const bytes = readFileSync(log);
    const at = bytes.indexOf("word of worn");
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(log, bytes);
    const videos = new Database(join(data, "videos.sqlite"));
    videos.run("UPDATE ovation_likes SET n = 1027 WHERE video = 'torn'");
    videos.close();

    await server.run();
    expect((await healthOf(server.url)).answer).toBe("ready");
    const statusOf = async (path: string) => (await fetch(server.url + path)).status;
    expect(await statusOf("/v1/videos/worn/comments")).toBe(503);
    const torn = await fetch(`${server.url}/v1/videos/torn`);
    expect([torn.status, await torn.json()]).toEqual([
      503,
      expect.objectContaining({ code: "unavailable", detail: expect.stringContaining("damaged") }),
    ]);
    for (const path of ["sound", "sound/comments", "torn/comments"])
      expect([path, await statusOf(`/v1/videos/${path}`)]).toEqual([path, 200]);
    await comment("sound", "and it still works");
    expect((await post("/v1/videos/torn/likes", { kind: "like", count: 1 })).status).toBe(503);

    const health = await healthOf(server.url);
    expect([health.status, health.answer]).toEqual([200, "degraded"]);
    expect(health.text).toContain(
      `${log} is damaged (event 1 of video:worn is not what was written)`,
    );
    expect(health.text).toContain("(and 1 more)");
    const row = 'the row ovation_likes "torn" "like" is not what was written';
    expect(server.output.replaceAll("\\", "")).toContain(row);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/^ovation_data_damages 2$/m);
    const given = [...metrics.matchAll(/^# HELP (ovation_data_\S+) (.+)\n# TYPE \S+ (\w+)$/gm)];
    const listed = [...PAGE.matchAll(/^\| `(ovation_data_\S+)` +\| (\w+) +\| (.+) \|$/gm)];
    expect(given.map(([, name, help, type]) => [name, type, help]).sort()).toEqual(
      listed.map(([, ...cells]) => cells),
    );

    const verify = Bun.spawnSync(["sh", COMMAND, "log", "verify", "--data", data]);
    const said = verify.stdout.toString();
    expect(said).toContain('"video:worn" 1 is not what was written');
    expect(said).toContain('videos.sqlite: the row ovation_likes "torn" "like" is not what');
    expect(said).not.toContain("whole");
    expect(verify.exitCode).toBe(1);
  });
});
