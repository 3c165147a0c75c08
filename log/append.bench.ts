/**
 * Commits per second of 64 clients that append one comment at a time.
 * `sh ovation/bin/bun log/append.bench.ts [seconds]`
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toJsonText, topicOf } from "@ovation/protocol";
import { type Log, openSqliteLog } from "./mod.ts";

const CLIENTS = 64;
const seconds = Number(process.argv[2] ?? 3);
const topic = topicOf("video", "bench");

async function measure(name: string, log: Log): Promise<void> {
  const latencies: number[] = [];
  let count = 0;
  const until = performance.now() + seconds * 1000;
  async function client(id: number): Promise<void> {
    while (performance.now() < until) {
      const started = performance.now();
      const data = toJsonText({ text: "What a goal, I cannot believe it", author: { id: `m${id}`, name: "Alice", role: "member" } });
      await log.append([{ topic, type: "comment", at: Date.now(), data, key: `m${id}/${count++}` }]);
      latencies.push(performance.now() - started);
    }
  }
  const started = performance.now();
  await Promise.all(Array.from({ length: CLIENTS }, (_, id) => client(id)));
  const elapsed = (performance.now() - started) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
  console.log(`${name}: ${Math.round(latencies.length / elapsed)}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, p99.9 ${at(0.999)} ms`);
}

const directory = mkdtempSync(join(tmpdir(), "ovation-bench-"));
const log = await openSqliteLog({ path: join(directory, "log.sqlite") });
await measure("sqlite", log);
await log.close();
rmSync(directory, { recursive: true });
