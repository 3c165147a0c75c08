/**
 * Two data centres that share nothing but a link and, away from it, PostgreSQL: each in a network
 * namespace of its own where this machine allows that, else behind TCP proxies. Their dispatchers
 * know addresses of each other, no names.
 */

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { startPostgres, type TestPostgres } from "../../../testing/postgres.ts";
import type { DatacenterPlan, DatacenterPorts } from "./datacenter-child.ts";
import { createNamespaces, namespacesMissing } from "./link-namespaces.ts";
import { createProxyLink } from "./link-proxy.ts";
import type { SiteLink } from "./site-link.ts";

export interface SeparateDatacenter {
  readonly name: string;
  /** Public addresses, as this process reaches them. */
  readonly frontend: string;
  readonly dispatcher: string;
  readonly comments: string;
}

export interface SeparateDatacenters {
  readonly secret: string;
  readonly postgres: TestPostgres;
  readonly link: SiteLink;
  readonly datacenters: readonly [SeparateDatacenter, SeparateDatacenter];
  stop(): Promise<void>;
}

/** The link is cut from the start. */
export async function startSeparateDatacenters(): Promise<SeparateDatacenters> {
  const missing = namespacesMissing();
  if (missing !== undefined) {
    console.warn(
      `no network namespaces here (${missing}): the link is a TCP proxy. ` +
        "Namespaces need iproute2 and root",
    );
  }
  const link = missing === undefined ? createNamespaces() : createProxyLink();
  const children = [spawn(link), spawn(link)] as const;
  // A child that was not told its plan ends as well: its standard input does.
  await Promise.all(children.map(({ here }) => here));
  const sites = await link.join([children[0].pid, children[1].pid]);
  const outside = sites.map((site) => site.outside).filter((one) => one !== undefined);
  const postgres = await startPostgres(
    { listen_addresses: ["127.0.0.1", ...outside.map(({ address }) => address)].join(",") },
    outside.map(({ network }) => network),
  );
  link.cut();
  const shared = {
    peers: sites.map(({ peerUrl }) => peerUrl),
    secret: newSecret(),
    internalSecret: newSecret(),
  };
  const start = async (index: 0 | 1, name: string): Promise<SeparateDatacenter> => {
    const { host, internalPort, address, outside: out } = sites[index];
    const database = postgres.url.replace("127.0.0.1", out?.address ?? "127.0.0.1");
    const { frontend, dispatcher, comments } = await children[index].serve({
      ...shared,
      name,
      host,
      internalPort,
      database,
    });
    const at = (port: number) => `http://${address}:${port}`;
    return { name, frontend: at(frontend), dispatcher: at(dispatcher), comments: at(comments) };
  };
  async function stop(): Promise<void> {
    // Or the kernel keeps connections that wait for an answer from the other side, and the
    // namespaces with them.
    link.heal();
    await Promise.all(children.map((child) => child.stop()));
    await Promise.all([postgres.stop(), link.close()]);
  }
  try {
    const datacenters = await Promise.all([start(0, "east"), start(1, "west")]);
    return { secret: shared.secret, postgres, link, datacenters, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

interface Child {
  readonly pid: number;
  /** It runs, and is where it should be. */
  readonly here: Promise<unknown>;
  serve(plan: DatacenterPlan): Promise<DatacenterPorts>;
  stop(): Promise<void>;
}

function spawn(link: SiteLink): Child {
  const command = link.command([process.execPath, join(import.meta.dir, "datacenter-child.ts")]);
  const child = Bun.spawn([...command], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = readLines(child.stdout);
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true)
      throw new Error("a data centre ended before it was there: what it said is above");
    return value;
  };
  return {
    pid: child.pid,
    here: next(),
    async serve(plan) {
      child.stdin.write(`${JSON.stringify(plan)}\n`);
      await child.stdin.flush();
      return JSON.parse(await next()) as DatacenterPorts;
    },
    async stop() {
      await child.stdin.end();
      await child.exited;
    },
  };
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  return undefined;
}
