/**
 * What the tests need beside npm packages: real programs, all from Debian. Where one is missing and
 * we are root on a machine with apt, it is installed; elsewhere the run says what to install.
 * Nothing is skipped for want of a program.
 */

import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { runLive } from "./run-live.ts";

export type StageName = "types" | "lint" | "bun" | "browser" | "webkit";

export interface Requirement {
  readonly debianPackage: string;
  readonly stages: readonly StageName[];
  isPresent(): boolean;
}

export const REQUIREMENTS: readonly Requirement[] = [
  { debianPackage: "redis-server", stages: ["bun"], isPresent: () => hasCommand("redis-server") },
  { debianPackage: "postgresql", stages: ["bun"], isPresent: hasPostgres },
  { debianPackage: "pgbouncer", stages: ["bun"], isPresent: () => hasCommand("pgbouncer") },
  { debianPackage: "nginx", stages: ["bun", "browser"], isPresent: () => hasCommand("nginx") },
  { debianPackage: "haproxy", stages: ["bun"], isPresent: () => hasCommand("haproxy") },
  { debianPackage: "caddy", stages: ["bun"], isPresent: () => hasCommand("caddy") },
  { debianPackage: "systemd", stages: ["bun"], isPresent: () => hasCommand("systemd-analyze") },
  { debianPackage: "iproute2", stages: ["bun"], isPresent: () => hasCommand("ip") },
  {
    debianPackage: "chromium",
    stages: ["bun", "browser"],
    isPresent: () => hasCommand("chromium"),
  },
  { debianPackage: "firefox-esr", stages: ["browser"], isPresent: () => hasCommand("firefox-esr") },
  {
    debianPackage: "webkit2gtk-driver",
    stages: ["webkit"],
    isPresent: () => hasCommand("WebKitWebDriver"),
  },
  { debianPackage: "xvfb", stages: ["webkit"], isPresent: () => hasCommand("Xvfb") },
  {
    debianPackage: "fonts-noto-color-emoji",
    stages: ["browser", "webkit"],
    isPresent: () => existsSync("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"),
  },
];

/**
 * Installs what the stages need and is missing. Throws with the command to run where it may not.
 */
export async function provideRequirements(stages: ReadonlySet<StageName>): Promise<void> {
  const missing = missingPackages(stages);
  if (missing.length === 0) return;

  const mayInstall = process.getuid?.() === 0 && hasCommand("apt-get");
  if (!mayInstall) {
    throw new Error(
      "the tests need programs that are missing here. On Debian: sudo apt-get install " +
        `--no-install-recommends ${missing.join(" ")}`,
    );
  }
  console.log(`installing ${missing.join(" ")}`);
  await withoutServices(async () => {
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const update = await runLive("apt-get", ["update", "-qq"], environment);
    if (update.exitCode !== 0) throw new Error("apt-get update failed");
    const install = await runLive(
      "apt-get",
      ["install", "-qq", "-y", "-o", "Dpkg::Use-Pty=0", "--no-install-recommends", ...missing],
      environment,
    );
    if (install.exitCode !== 0) throw new Error(`apt-get install ${missing.join(" ")} failed`);
  });
  const still = missingPackages(stages);
  if (still.length > 0) throw new Error(`still missing after the installation: ${still.join(" ")}`);
}

export function missingPackages(stages: ReadonlySet<StageName>): readonly string[] {
  return REQUIREMENTS.filter(
    (each) => each.stages.some((stage) => stages.has(stage)) && !each.isPresent(),
  ).map((each) => each.debianPackage);
}

/**
 * Debian starts a server as soon as it is installed. The tests start their own on free ports, so
 * the documented switch (`policy-rc.d`, answer 101) keeps the installed ones down meanwhile.
 */
async function withoutServices(run: () => Promise<void>): Promise<void> {
  const policy = "/usr/sbin/policy-rc.d";
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await run();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

function hasCommand(name: string): boolean {
  // Debian keeps servers in sbin, which is not on every PATH.
  const directories = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return directories.some((directory) => directory !== "" && isFile(join(directory, name)));
}

function hasPostgres(): boolean {
  if (hasCommand("postgres")) return true;
  const root = "/usr/lib/postgresql";
  return (
    existsSync(root) &&
    readdirSync(root).some((version) => isFile(join(root, version, "bin/postgres")))
  );
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
