/**
 * Units, manifests and the compose file: systemd accepts them, what they name exists, and they wait
 * long enough for a drain.
 */

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { YAML } from "bun";

const ROOT = join(import.meta.dir, "..");
const UNITS = join(ROOT, "deploy/systemd");
/** After its drain a process finishes requests (STOP_MS_MAX), the last batches and the lease. */
const AFTER_DRAIN_SECONDS = 8;
const DRAIN_SECONDS_DEFAULT = 10;

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string }[];
  readonly lifecycle?: {
    readonly preStop: { readonly exec: { readonly command: readonly string[] } };
  };
  readonly readinessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly livenessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } };
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector?: { readonly matchLabels?: Labels; readonly role?: string };
    readonly template?: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly Container[];
        readonly topologySpreadConstraints: unknown;
      };
    };
    readonly ports?: readonly { readonly name: string; readonly targetPort: string }[];
    readonly rules?: readonly {
      readonly http: {
        readonly paths: readonly { readonly path: string; readonly backend: Backend }[];
      };
    }[];
  };
}

interface Backend {
  readonly service: { readonly name: string; readonly port: { readonly name: string } };
}
type Labels = Readonly<Record<string, string>>;

const manifests = ["ovation.yaml", "ingress.yaml"].flatMap(
  (file) => YAML.parse(readFileSync(join(ROOT, "deploy/kubernetes", file), "utf8")) as Manifest[],
);
const named = (kind: string) => manifests.filter((each) => each.kind === kind);

/** Of a command line: what it was told, or the default. */
function drainSecondsOf(words: readonly string[]): number {
  const at = words.indexOf("--drain-seconds");
  return at < 0 ? DRAIN_SECONDS_DEFAULT : Number(words[at + 1]);
}

test("systemd takes every unit, and knows every line of it", () => {
  const directory = mkdtempSync(join(tmpdir(), "ovation-units-"));
  try {
    const files = readdirSync(UNITS).filter((file) => file.endsWith(".service"));
    expect(files.length).toBe(4);
    // Where the program is here; that it is there is looked at too.
    for (const file of files)
      writeFileSync(
        join(directory, file),
        readFileSync(join(UNITS, file), "utf8").replaceAll("/opt/ovation/", `${ROOT}/`),
      );
    const paths = files.map((file) => join(directory, file.replace("@.", "@1.")));
    const { exitCode, stderr } = Bun.spawnSync(
      ["systemd-analyze", "verify", "--man=no", ...paths],
      { cwd: directory },
    );
    expect({ exitCode, said: stderr.toString() }).toEqual({ exitCode: 0, said: "" });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a supervisor waits longer for a process to end than its drain takes", () => {
  for (const file of readdirSync(UNITS).filter((each) => each.endsWith(".service"))) {
    const text = readFileSync(join(UNITS, file), "utf8");
    const [, command = ""] = /^ExecStart=(.*)$/m.exec(text) ?? [];
    const waits = Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1]);
    expect(`${file} ${waits >= drainSecondsOf(command.split(" ")) + AFTER_DRAIN_SECONDS}`).toBe(
      `${file} true`,
    );
  }
  const compose = YAML.parse(readFileSync(join(ROOT, "deploy/compose.yaml"), "utf8")) as {
    readonly services: Record<
      string,
      { readonly image: string; readonly command: string[]; readonly stop_grace_period: string }
    >;
  };
  const ours = Object.entries(compose.services).filter(([, { image }]) => image === "ovation");
  expect(ours.length).toBe(5);
  for (const [name, { command, stop_grace_period: waits }] of ours) {
    expect(
      `${name} ${Number.parseInt(waits, 10) >= drainSecondsOf(command) + AFTER_DRAIN_SECONDS}`,
    ).toBe(`${name} true`);
  }
  for (const { metadata, spec } of named("Deployment")) {
    const pod = spec.template?.spec;
    const [container] = pod?.containers ?? [];
    const preStop = Number(container?.lifecycle?.preStop.exec.command[1]);
    const needed = preStop + drainSecondsOf(container?.args ?? []) + AFTER_DRAIN_SECONDS;
    expect(`${metadata.name} ${(pod?.terminationGracePeriodSeconds ?? 0) >= needed}`).toBe(
      `${metadata.name} true`,
    );
  }
});

test("in Kubernetes every role is probed and spread, and Services and the Ingress name it", () => {
  const deployments = named("Deployment");
  expect(deployments.map(({ metadata }) => metadata.name).sort()).toEqual([
    "ovation-comments",
    "ovation-dispatcher",
    "ovation-frontend",
  ]);
  const kept = named("PodDisruptionBudget").map(({ spec }) => spec.selector?.matchLabels?.["role"]);
  const portsOf = new Map<string, readonly string[]>();
  for (const { spec } of deployments) {
    const role = spec.selector?.matchLabels?.["role"] ?? "";
    const [container] = spec.template?.spec.containers ?? [];
    expect(spec.template?.metadata.labels["role"]).toBe(role);
    expect(container?.args[0]).toBe(role);
    expect(kept).toContain(role);
    expect(spec.template?.spec.topologySpreadConstraints).toMatchObject([
      { labelSelector: { matchLabels: { role } } },
    ]);
    expect(container?.readinessProbe?.httpGet.path).toBe("/readyz");
    // Not readyz: a restart does not help a process that waits for Redis or PostgreSQL.
    expect(container?.livenessProbe?.httpGet.path).toBe("/healthz");
    portsOf.set(role, container?.ports.map(({ name }) => name) ?? []);
  }
  const services = new Map(named("Service").map((service) => [service.metadata.name, service]));
  for (const { metadata, spec } of services.values()) {
    const role = spec.selector?.role ?? "";
    if (role === "none") continue;
    for (const { targetPort } of spec.ports ?? [])
      expect(`${metadata.name} ${portsOf.get(role)?.includes(targetPort)}`).toBe(
        `${metadata.name} true`,
      );
  }
  const paths = named("Ingress").flatMap(
    ({ spec }) => spec.rules?.flatMap(({ http }) => http.paths) ?? [],
  );
  for (const { backend } of paths) {
    const service = services.get(backend.service.name);
    expect(service?.spec.ports?.map(({ name }) => name)).toContain(backend.service.port.name);
    expect(backend.service.name).not.toContain("internal");
  }
  for (const path of ["/metrics", "/readyz", "/healthz"]) {
    expect(paths.find((each) => each.path === path)?.backend.service.name).toBe("ovation-nobody");
  }
});
