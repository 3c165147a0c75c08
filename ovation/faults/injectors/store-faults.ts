/** Redis forgets, dies or pauses; PostgreSQL crashes. */

import type { TestPostgres } from "../../../testing/postgres.ts";
import type { RedisServer } from "../../../testing/redis.ts";
import type { Datacenter } from "../../cluster/local-cluster.ts";
import type { Fault } from "./fault.ts";

export function redisFaults(datacenters: readonly Datacenter[]): readonly Fault[] {
  const targets = datacenters.map(({ name }) => `redis of ${name}`);
  const serversOf = (target: string): readonly RedisServer[] =>
    datacenters.find(({ name }) => target === `redis of ${name}`)?.redis.servers ?? [];
  const each = async (target: string, run: (server: RedisServer) => unknown) => {
    await Promise.all(serversOf(target).map((server) => run(server)));
  };
  return [
    {
      kind: "redis FLUSHALL",
      targets,
      forMs: [0, 0],
      begin: (target) => each(target, ({ client }) => client.flushall()),
      end: async () => {},
    },
    {
      kind: "redis killed, restarted empty",
      targets,
      forMs: [300, 4000],
      begin: (target) => each(target, (server) => server.kill()),
      end: (target) => each(target, (server) => server.restart()),
    },
    {
      kind: "redis paused",
      targets,
      forMs: [500, 5000],
      begin: (target) => each(target, (server) => server.pause()),
      end: (target) => each(target, (server) => server.resume()),
    },
  ];
}

export function postgresFault(postgres: TestPostgres): Fault {
  return {
    kind: "postgres crashes",
    targets: ["postgres"],
    forMs: [300, 3000],
    weight: 2,
    begin: () => postgres.halt("immediate"),
    end: () => postgres.resume(),
  };
}
