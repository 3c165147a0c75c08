/**
 * Tries the clients that people use against a real server: `npm run clients -- [--only httpx,curl]
 * [--ways plain,TLS,nginx,HAProxy] [--directory DIR]`. Needs python3 with venv, npm, go, curl,
 * nginx, HAProxy and Chromium, for what is not left out, and the package registries. The table is
 * for `docs/clients.md`.
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CLIENTS } from "./clients.ts";
import { install } from "./environments.ts";
import { tryClient } from "./trial.ts";
import { WAYS } from "./ways.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    ways: { type: "string", default: WAYS.join(",") },
    directory: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  console.log(
    "npm run clients -- [--only PART,PART] [--ways WAY,WAY] [--directory DIR]\n\n" +
      `  clients  ${CLIENTS.map(({ name }) => name).join(", ")}\n  ways     ${WAYS.join(", ")}`,
  );
  process.exit(0);
}
const only = values.only.split(",").filter((name) => name !== "");
const chosen = CLIENTS.filter(
  ({ name }) => only.length === 0 || only.some((part) => name.includes(part)),
);
const ways = WAYS.filter((way) => values.ways.split(",").includes(way));
if (chosen.length === 0 || ways.length === 0) {
  console.error(`nothing to try; clients: ${CLIENTS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
const root = values.directory ?? (await mkdtemp(join(tmpdir(), "ovation-clients-")));
await mkdir(root, { recursive: true });
let failed = 0;
console.log(`| client | ${ways.join(" | ")} |\n| --- |${" --- |".repeat(ways.length)}`);
for (const client of chosen) {
  const cells: string[] = [];
  try {
    const command = await install(client, root);
    for (const way of ways) {
      const { faults, slowestMs } = await tryClient(command, way, root);
      if (faults.length > 0 && client.known === undefined) failed++;
      cells.push(faults.length === 0 ? `verified (${slowestMs.toFixed(0)} ms)` : faults.join("; "));
    }
  } catch (error) {
    failed++;
    cells.push(`not tried: ${String(error).replaceAll("\n", " ")}`);
  }
  const known = client.known === undefined ? "" : ` (${client.known})`;
  console.log(`| ${client.name}${known} | ${cells.join(" | ")} |`);
}
if (values.directory === undefined) await rm(root, { recursive: true, force: true });
process.exit(failed === 0 ? 0 : 1);
