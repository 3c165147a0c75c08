/**
 * What an idle viewer costs: objects by kind, so that neither the machine nor the collector's mood
 * counts.
 */

import { heapStats } from "bun:jsc";
import { afterEach, expect, test } from "bun:test";
import type { ByteWriter, StreamSource } from "@ovation/protocol";
import { until } from "../../testing/until.ts";
import type { Frontend } from "../frontend.ts";
import { admitted } from "../testing/admitted.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import { ViewerStream } from "./viewer-stream.ts";
import { PLAIN } from "./wire-form.ts";

const VIEWERS = 2000;
const VIDEO = topic("video:1");
const frontends: Frontend[] = [];
afterEach(async () => {
  await Promise.all(frontends.splice(0).map((frontend) => frontend.stop()));
});

const writer: ByteWriter = { write: (bytes) => bytes.length, end() {}, cut() {} };

function open() {
  const upstream = new ModelUpstream();
  const frontend = newFrontend(upstream, { reportMs: 1_000_000 });
  upstream.inboxes.push(frontend);
  frontends.push(frontend);
  frontend.start();
  const admit = (): StreamSource => {
    const request = {
      topics: [VIDEO],
      identity: undefined,
      position: undefined,
      form: PLAIN,
      address: "203.0.113.7",
    };
    return new ViewerStream(frontend, admitted(frontend.admit(request)), request);
  };
  const watch = (): StreamSource => {
    const stream = admit();
    stream.start(writer);
    return stream;
  };
  const isOpen = () => [...frontend.connections.values()].every((connection) => connection.open);
  return { frontend, admit, watch, isOpen };
}

function objectsOf(kind: string): number {
  Bun.gc(true);
  return heapStats().objectTypeCounts[kind] ?? 0;
}

test("an idle viewer holds no function, no scope and no request", async () => {
  const { watch, isOpen } = open();
  const held: StreamSource[] = [watch()];
  await until(isOpen);
  const kinds = ["Function", "JSLexicalEnvironment", "Array", "Object"];
  const before = kinds.map(objectsOf);
  for (let count = 0; count < VIEWERS; count++) held.push(watch());
  await until(isOpen);
  const perViewer = kinds.map((kind, at) => (objectsOf(kind) - (before[at] ?? 0)) / held.length);
  // The list of its subscriptions; the connection, its subscription and its stream. Garbage of
  // other tests in this process may go meanwhile, so fewer is no fault.
  const most = [0, 0, 1, 3];
  for (const [at, objects] of perViewer.entries())
    expect(objects).toBeLessThan((most[at] ?? 0) + 0.1);
});

test("a stream that is cancelled closes its connection", () => {
  const { frontend, watch } = open();
  const stream = watch();
  expect(frontend.connections.size).toBe(1);
  stream.cancel();
  expect(frontend.connections.size).toBe(0);
});

test("a client that disconnects before the start of its stream is not opened", async () => {
  const { frontend, admit } = open();
  const stream = admit();
  stream.cancel();
  stream.start(writer);
  await Promise.resolve();
  expect(frontend.connections.size).toBe(0);
});
