/**
 * Which paths are public on every listener of every role, and how a process responds to a forged
 * internal call.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  createFrontendCredential,
  createInternalAuth,
  formatFrontendCaller,
} from "@ovation/dispatcher";
import { systemClock } from "@ovation/protocol";
import { Glob } from "bun";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";

const INTERNAL_SECRET = "the-internal-secret-of-this-test";
const ROOT = join(import.meta.dir, "..", "..");
const LINK = "/internal/v1/link";

let cluster: LocalCluster;
let whole: Server;
const lines: string[] = [];

beforeAll(async () => {
  const environmentOf = () => ({ OVATION_INTERNAL_SECRET: INTERNAL_SECRET });
  [cluster, whole] = await Promise.all([
    startLocalCluster({
      datacenters: ["east"],
      dispatchers: 1,
      frontends: 1,
      redis: "single",
      environmentOf,
      onLine: (_, line) => lines.push(line),
    }),
    Server.start(),
  ]);
}, 60_000);

afterAll(async () => {
  await Promise.all([cluster.stop(), whole.stop()]);
}, 30_000);

/** Every path of this form that stands in the program's own text. */
function pathsIn(folders: string, form: RegExp): readonly string[] {
  const files = [...new Glob(`${folders}/**/*.ts`).scanSync(ROOT)].filter(
    (file) => !/\.test\.|\.bench\.|testing|node_modules/.test(file),
  );
  const texts = files.map((file) => readFileSync(join(ROOT, file), "utf8"));
  return [
    ...new Set(texts.flatMap((text) => [...text.matchAll(form)].map(([, path]) => path ?? ""))),
  ];
}

const INTERNAL = pathsIn("dispatcher", /"(\/internal\/[a-z0-9/-]+)"/g);
const PUBLIC = pathsIn("{dispatcher,frontend,comments,web,ovation}", /path: "(\/[^"]*)"/g).filter(
  (path) => !path.startsWith("/internal"),
);

function parts() {
  const [east] = cluster.datacenters;
  const [dispatcher, frontend, comments] = [
    east?.dispatchers[0],
    east?.frontends[0],
    east?.comments[0],
  ];
  if (!dispatcher || !frontend || !comments) throw new Error("the cluster lacks a part");
  return { dispatcher, frontend, comments };
}

const auth = (secret = INTERNAL_SECRET) =>
  createInternalAuth({ secrets: [secret], clock: systemClock });
const caller = () => formatFrontendCaller(createFrontendCredential(), "http://127.0.0.1:1");

function signed(
  method: string,
  path: string,
  body: string,
  from: string,
  secret?: string,
): Record<string, string> {
  return auth(secret).sign({ method, path, from, to: "", body });
}

test("no public listener has an internal path, signed or not, nor takes a link", async () => {
  expect(INTERNAL.length).toBeGreaterThanOrEqual(15);
  expect(INTERNAL).toContain(LINK);
  const { dispatcher, frontend, comments } = parts();
  const asked: Promise<readonly [string, number]>[] = [];
  for (const url of [dispatcher.url, frontend.url, comments.url, whole.url]) {
    for (const path of INTERNAL) {
      for (const method of ["GET", "POST"]) {
        const body = method === "POST" ? "{}" : "";
        const upgrade = {
          connection: "Upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        };
        for (const from of ["", caller(), "backend", "dispatcher x", "datacenter west d1"]) {
          const headers = {
            ...(from === "" ? {} : signed(method, path, body, from)),
            ...(path === LINK && method === "GET" ? upgrade : {}),
          };
          const ask = fetch(url + path, {
            method,
            headers,
            ...(method === "POST" ? { body } : {}),
          });
          asked.push(
            ask.then(
              (response) => [`${method} ${url}${path} as ${from}`, response.status] as const,
            ),
          );
        }
      }
    }
  }
  for (const [what, status] of await Promise.all(asked))
    expect([what, status]).toEqual([what, 404]);
}, 30_000);

test("no public path is on any internal listener", async () => {
  expect(PUBLIC).toContain("/v1/publish");
  expect(PUBLIC).toContain("/v1/events");
  expect(PUBLIC).toContain("/metrics");
  expect(PUBLIC.length).toBeGreaterThan(20);
  const { dispatcher, frontend } = parts();
  for (const { internalUrl } of [dispatcher, frontend]) {
    for (const path of PUBLIC.map((one) => one.replaceAll(/:[a-zA-Z]+/g, "x"))) {
      for (const method of ["GET", "POST", "PUT", "DELETE"]) {
        const { status } = await fetch(internalUrl + path, { method });
        expect([method, internalUrl, path, status]).toEqual([method, internalUrl, path, 404]);
      }
    }
  }
}, 30_000);

test("a forged call gets 401, changes nothing, is counted, is logged without secret", async () => {
  const { dispatcher, frontend } = parts();
  const guess = "a-guess-of-the-internal-secret";
  const counted = async (url: string, reason: string) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(
      new RegExp(`ovation_internal_refusals_total\\{reason="${reason}"\\} (\\d+)`).exec(
        text,
      )?.[1] ?? -1,
    );
  };
  for (const process of [dispatcher, frontend]) {
    const before = {
      unsigned: await counted(process.url, "unsigned"),
      forged: await counted(process.url, "forged"),
    };
    let [unsigned, forged] = [0, 0];
    for (const path of INTERNAL) {
      const method = path === LINK ? "GET" : "POST";
      const body = method === "POST" ? "{}" : "";
      const ask = async (headers: Record<string, string>) =>
        (
          await fetch(process.internalUrl + path, {
            method,
            headers,
            ...(body === "" ? {} : { body }),
          })
        ).status;
      const status = await ask({});
      // Each listener has the paths of its role.
      if (status === 404) continue;
      expect([path, status]).toEqual([path, 401]);
      unsigned++;
      expect([path, await ask(signed(method, path, body, caller(), guess))]).toEqual([path, 401]);
      // Signed, and then changed.
      expect([
        path,
        await ask({ ...signed(method, path, body, caller()), "ovation-from": "backend" }),
      ]).toEqual([path, 401]);
      expect([path, await ask(signed(method, `${path}x`, body, caller()))]).toEqual([path, 401]);
      forged += 3;
    }
    expect(unsigned).toBeGreaterThanOrEqual(process === dispatcher ? 12 : 2);
    expect(await counted(process.url, "unsigned")).toBe(before.unsigned + unsigned);
    expect(await counted(process.url, "forged")).toBe(before.forged + forged);
  }
  await until(
    () =>
      lines.some((line) => line.includes("refused an internal call") && line.includes("127.0.0.1")),
    "the log names who it was",
    5000,
  );
  for (const secret of [INTERNAL_SECRET, guess, cluster.secret])
    expect(lines.join("\n")).not.toContain(secret);
}, 30_000);
