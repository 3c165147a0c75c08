/** What operators copy must be what the program takes. */

import { expect, test } from "bun:test";
import { join } from "node:path";
import { Glob, YAML } from "bun";

const ROOT = join(import.meta.dir, "..");

async function files(
  pattern: string,
): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const found = [];
  for await (const path of new Glob(pattern).scan(ROOT))
    found.push({ path, text: await Bun.file(join(ROOT, path)).text() });
  return found;
}

test("every YAML file is YAML", async () => {
  const found = await files("deploy/**/*.{yaml,yml}");
  expect(found.length).toBeGreaterThan(3);
  for (const { text } of found) expect(() => YAML.parse(text)).not.toThrow();
});

test("nginx of the containers is nginx of the machines, but for the servers' names", async () => {
  const [plain = "", compose = ""] = await Promise.all(
    ["nginx.conf", "compose.nginx.conf"].map(async (name) =>
      Bun.file(join(ROOT, "deploy/proxy", name)).text(),
    ),
  );
  const statements = (text: string) =>
    text
      .replace(/^\s*#.*\n/gm, "")
      .replace(/\n{2,}/g, "\n")
      .trim()
      .split("\n");
  // Two dispatchers there, one here.
  const named = statements(compose).filter((line) => !line.includes("dispatcher-2"));
  const hosts: Readonly<Record<string, string>> = {
    "frontend-1:8081": "8081",
    "frontend-2:8081": "8082",
    "dispatcher-1:8091": "8091",
    "comments:8092": "8092",
  };
  expect(
    named.map((line) =>
      line.replace(/(?<=server )[a-z]+(-\d)?:\d+/, (name) => `127.0.0.1:${hosts[name]}`),
    ),
  ).toEqual(statements(plain));
});

test("every option and environment variable of deploy/ and docs/operating/ exists", async () => {
  const known = new Set<string>();
  for (const role of ["start", "frontend", "dispatcher", "comments"]) {
    const help = Bun.spawnSync([
      join(ROOT, "ovation/bin/ovation"),
      role,
      "--help",
    ]).stdout.toString();
    for (const [option] of help.matchAll(/--[a-z][a-z-]+|OVATION_[A-Z_]+/g)) known.add(option);
  }
  expect(known.size).toBeGreaterThan(10);
  const beginnings = [
    "internal|dispatcher|table|database|peer|datacenter|forward|drain|port|host|data|workers|tls",
    "idle|stuck|lifetime|heartbeat|connections|connects|rate-limits|policy|zstd|videos|guests",
    "trusted|hosts|metrics|secret",
  ];
  const ours = new RegExp(`(?<![\\w-])--(?:${beginnings.join("|")})[a-z-]*`, "g");
  for (const { path, text } of [
    ...(await files("deploy/**/*.{yaml,service,example}")),
    ...(await files("docs/operating/*.md")),
  ]) {
    for (const [option] of text.matchAll(ours)) {
      if (option === "--internal-tls-") continue;
      expect(`${path}: ${known.has(option) ? "" : "unknown "}${option}`).toBe(`${path}: ${option}`);
    }
    // Of the environment too. (`OVATION_PORT` in a comment about Kubernetes is one.)
    for (const [name] of text.matchAll(/\bOVATION_[A-Z_]+\b/g)) {
      expect(`${path}: ${known.has(name) ? "" : "unknown "}${name}`).toBe(`${path}: ${name}`);
    }
  }
}, 20_000);

test("every metric of the alerts and of docs/operating/metrics.md exists", async () => {
  const sources = [...(await files("{ovation,frontend,comments,dispatcher,log}/**/*.ts"))]
    .map(({ text }) => text)
    .join("\n");
  for (const { path, text } of [
    ...(await files("deploy/prometheus/*.yml")),
    ...(await files("docs/operating/metrics.md")),
  ]) {
    for (const [name] of text.matchAll(/\bovation_[a-z_]+[a-z]\b/g)) {
      expect(`${path}: ${sources.includes(`"${name}`) ? "" : "unknown "}${name}`).toBe(
        `${path}: ${name}`,
      );
    }
  }
});
