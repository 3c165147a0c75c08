/** Internal calls and links over mutual TLS. The certificates are made here. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_POLICY, type Event, systemClock, toJsonText, topicOf } from "@ovation/protocol";
import { until } from "../../testing/until.ts";
import { createFrontendCredential } from "../links/frontend-credential.ts";
import { createWebSocketLinks } from "../links/links-websocket.ts";
import { createLinkReceiver } from "../links/receiver.ts";
import { testAuth } from "../testing/internal-frontend.ts";
import { CallFailedError, createInternalClient, type InternalTls } from "./client.ts";
import { type InternalListener, listenInternal } from "./listener.ts";
import { createRefusals, internalRoute } from "./route.ts";

let directory: string;
let ours: Required<InternalTls>;
let foreign: Required<InternalTls>;
let listener: InternalListener;
const received: Event[] = [];
const credential = createFrontendCredential();
const PATH = "/internal/v1/test";

function openssl(...args: readonly string[]): void {
  const run = Bun.spawnSync(["openssl", ...args], { cwd: directory });
  if (run.exitCode !== 0) throw new Error(run.stderr.toString());
}

/** An authority, and a certificate for 127.0.0.1 that it signed. */
async function certificates(name: string): Promise<Required<InternalTls>> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    `${name}-ca.key`,
    "-out",
    `${name}-ca.pem`,
    "-subj",
    `/CN=${name}`,
  );
  const signed = [
    "-CA",
    `${name}-ca.pem`,
    "-CAkey",
    `${name}-ca.key`,
    "-addext",
    "subjectAltName=IP:127.0.0.1",
    "-addext",
    "basicConstraints=CA:FALSE",
  ];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.pem`,
    "-subj",
    `/CN=node of ${name}`,
    ...signed,
  );
  const read = (file: string) => readFile(join(directory, file), "utf8");
  return {
    ca: await read(`${name}-ca.pem`),
    cert: await read(`${name}.pem`),
    key: await read(`${name}.key`),
  };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "ovation-tls-"));
  ours = await certificates("ours");
  foreign = await certificates("foreign");
  const options = { auth: testAuth(), refusals: createRefusals() };
  listener = listenInternal({
    host: "127.0.0.1",
    port: 0,
    tls: ours,
    routes: [internalRoute(options, PATH, 1000, async () => Response.json({ hello: "there" }))],
    link: createLinkReceiver({
      ...options,
      frontend: credential.id,
      inbox: { dispatch: (events) => void received.push(...events) },
    }),
    onFailure: (what, error) => console.error(what, error),
  });
}, 20_000);

afterAll(async () => {
  await listener.stop();
  await rm(directory, { recursive: true, force: true });
});

function call(tls: InternalTls): Promise<unknown> {
  return createInternalClient({ auth: testAuth(), from: "dispatcher x", tls }).call(
    listener.url,
    PATH,
    "{}",
    { timeoutMs: 3000 },
  );
}

test("a caller with a certificate of the installation is answered, others are not", async () => {
  expect(await call(ours)).toEqual({ hello: "there" });
  expect(call({ ca: ours.ca })).rejects.toThrow(CallFailedError);
  expect(call({ ...foreign, ca: ours.ca })).rejects.toThrow(CallFailedError);
});

test("a caller rejects a listener with a certificate of another installation", async () => {
  expect(call({ ...ours, ca: foreign.ca })).rejects.toThrow(CallFailedError);
});

test("links carry events over TLS, and without a certificate they do not open", async () => {
  const event: Event = {
    topic: topicOf("video", "1"),
    type: "goal",
    at: 1,
    data: toJsonText("secret"),
  };
  const address = { id: credential.id, url: listener.url };
  const base = { auth: testAuth(), policy: DEFAULT_POLICY, clock: systemClock };
  const bare = createWebSocketLinks({ ...base, from: "dispatcher bare", tls: { ca: ours.ca } });
  bare.send(address, [{ ...event, at: 2 }]);
  const links = createWebSocketLinks({ ...base, from: "dispatcher one", tls: ours });
  links.send(address, [event]);
  await until(() => received.length > 0, "it arrives");
  await until(() => bare.stats().reconnects > 1, "the other one has tried again");
  expect(received).toEqual([event]);
  expect(bare.stats()).toMatchObject({ open: 0, sent: 0 });
  await links.close();
  await bare.close();
});
