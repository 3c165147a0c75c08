/** Whom the shipped files let speak for viewers: their own proxies, and no other peer. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { YAML } from "bun";
import { createAddressOf, parseProxies } from "../ovation/listener/client-address.ts";
import { freePort } from "../testing/free-port.ts";
import { Server } from "../testing/server.ts";

const HERE = import.meta.dir;
const VIEWER = "203.0.113.7";

/** What a viewer's address is, for a process with these proxies, when that peer forwards for it. */
function seenFrom(peer: string, trustedProxies: string): string {
  const addressOf = createAddressOf({
    trustedProxies: parseProxies(trustedProxies),
    onWarning: () => undefined,
  });
  const headers = { "x-forwarded-for": `10.9.9.9, ${VIEWER}` };
  return addressOf(new Request("http://live.example.org/", { headers }), peer);
}

const read = (path: string) => readFileSync(join(HERE, path), "utf8");

test("compose: nginx has an address of its own, and every process believes that one only", () => {
  const { services, networks } = YAML.parse(read("compose.yaml")) as {
    readonly services: Record<
      string,
      {
        readonly image: string;
        readonly environment: Record<string, string>;
        readonly networks?: { readonly default: { readonly ipv4_address: string } };
      }
    >;
    readonly networks: {
      readonly default: { readonly ipam: { readonly config: readonly { ip_range: string }[] } };
    };
  };
  const proxy = services.proxy?.networks?.default.ipv4_address ?? "";
  const ours = Object.values(services).filter(({ image }) => image === "ovation");
  expect(ours).toHaveLength(5);
  for (const { environment } of ours) {
    const named = environment.OVATION_TRUSTED_PROXIES ?? "";
    expect(seenFrom(proxy, named)).toBe(VIEWER);
    // Another container, whose address the network gives out.
    const [first = ""] = networks.default.ipam.config[0]?.ip_range.split("/") ?? [];
    expect(seenFrom(first, named)).toBe(first);
  }
});

test("Kubernetes: only the ingress controller's namespace is trusted and reaches the ports", () => {
  interface Manifest {
    readonly kind: string;
    readonly metadata: { readonly name: string };
    readonly spec: {
      readonly podSelector?: {
        readonly matchLabels?: Record<string, string>;
        readonly matchExpressions?: readonly { readonly key: string; readonly values: string[] }[];
      };
      readonly ingress?: readonly {
        readonly from?: unknown[];
        readonly ports: { port: string }[];
      }[];
      readonly template?: {
        readonly spec: {
          readonly containers: readonly {
            readonly env?: readonly { readonly name: string; readonly value?: string }[];
          }[];
        };
      };
    };
  }
  const manifests = YAML.parse(read("kubernetes/ovation.yaml")) as readonly Manifest[];
  for (const role of ["frontend", "comments"]) {
    const { spec } = manifests.find(
      ({ kind, metadata }) => kind === "Deployment" && metadata.name === `ovation-${role}`,
    ) as Manifest;
    const named = spec.template?.spec.containers[0]?.env?.find(
      ({ name }) => name === "OVATION_TRUSTED_PROXIES",
    )?.value;
    for (const pod of ["10.244.1.7", "172.31.4.9", "192.168.3.4", "100.64.0.3"])
      expect(seenFrom(pod, named ?? "")).toBe(VIEWER);
    const policies = manifests.filter(({ kind, spec: { podSelector } }) => {
      const { matchLabels = {}, matchExpressions = [] } = podSelector ?? {};
      const byRole = matchExpressions.find(({ key }) => key === "role")?.values ?? [];
      return (
        kind === "NetworkPolicy" &&
        (matchLabels.role ?? role) === role &&
        (byRole.length === 0 || byRole.includes(role))
      );
    });
    const rules = policies.flatMap((each) => each.spec.ingress ?? []);
    const http = rules.filter(({ ports }) => ports.some(({ port }) => port === "http"));
    expect(http).toHaveLength(1);
    expect(JSON.stringify(http[0]?.from)).toContain("ingress-nginx");
  }
});

test("systemd: the example's environment names proxies, and is one that the program takes", () => {
  const [, named = ""] =
    /^OVATION_TRUSTED_PROXIES=(.*)$/m.exec(read("systemd/ovation.env.example")) ?? [];
  expect(seenFrom("127.0.0.1", named)).toBe(VIEWER);
  expect(seenFrom("10.0.0.77", named)).toBe("10.0.0.77");
});

describe("systemd: ovation.service behind the nginx of deploy/proxy", () => {
  let server: Server;
  let nginx: Bun.Subprocess;
  let url = "";
  const directory = mkdtempSync(join(tmpdir(), "ovation-unit-"));
  const policy = "limits: { guestsPerAddress: { burst: 2, perSeconds: 3600 } }\n";

  beforeAll(async () => {
    const [, words = ""] =
      /^ExecStart=\S+ start (.*)$/m.exec(read("systemd/ovation.service")) ?? [];
    // The port and the data are the test's own.
    const flags = words
      .replace(/--(port|data) \S+ ?/g, "")
      .trim()
      .split(/\s+/);
    server = await Server.start({
      flags: [...flags, "--policy", "{directory}/policy.yaml"],
      files: {
        "policy.yaml": policy,
      },
    });
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const text = read("proxy/nginx.conf")
      .replace(/server 127\.0\.0\.1:\d+/g, `server 127.0.0.1:${new URL(server.url).port}`)
      // Two frontends, and one process here.
      .replace(/(server 127\.0\.0\.1:\d+ max_fails=0;\s+)\1/, "$1")
      .replace("listen 8080;", `listen 127.0.0.1:${port};`)
      .replace("pid /run/nginx.pid;", `pid ${join(directory, "nginx.pid")};`)
      .replace("worker_rlimit_nofile 1048576;\n", "")
      .replace("worker_connections 65536;", "worker_connections 512;");
    writeFileSync(join(directory, "nginx.conf"), text);
    nginx = Bun.spawn(
      ["nginx", "-p", directory, "-c", join(directory, "nginx.conf"), "-g", "daemon off;"],
      { stdout: "ignore", stderr: "ignore" },
    );
    const end = performance.now() + 15_000;
    while (!(await fetch(`${url}/v1/videos`).catch(() => undefined))?.ok) {
      if (performance.now() > end) throw new Error("nginx does not pass requests");
      await Bun.sleep(20);
    }
  }, 40_000);

  afterAll(async () => {
    nginx.kill("SIGTERM");
    await nginx.exited;
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function joinAs(viewer: string): Promise<number> {
    const response = await fetch(`${url}/v1/guests`, {
      method: "POST",
      headers: { "x-forwarded-for": viewer, "content-type": "application/json" },
      body: JSON.stringify({ name: "Ana" }),
    });
    return response.status;
  }

  test("viewers have limits of their own", async () => {
    expect([await joinAs("203.0.113.1"), await joinAs("203.0.113.1")]).toEqual([201, 201]);
    expect(await joinAs("203.0.113.1")).toBe(429);
    expect(await joinAs("203.0.113.2")).toBe(201);
    // What stands to the left is the viewer's own writing.
    expect(await joinAs("198.51.100.4, 203.0.113.1")).toBe(429);
  });

  test("pages and streams are answered under the site's public name", async () => {
    for (const path of ["/", "/watch/demo", "/v1/videos"]) {
      const response = await fetch(`${url}${path}`, { headers: { host: "live.example.org" } });
      expect([path, response.status]).toEqual([path, 200]);
    }
  });
});
