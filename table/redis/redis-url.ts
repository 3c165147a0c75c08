/**
 * The URLs of a store, as an operator writes them:
 *
 * - `redis://host:6379`, `redis://user:password@host:6379/2`: one server
 * - `redis+sentinel://host:26379,host:26379/mymaster`: the master that the Sentinels name
 *   (`/mymaster/2` for database 2)
 * - `redis+cluster://host:7000,host:7001`: a Cluster, found through any of its nodes
 *
 * `rediss` instead of `redis` is TLS; `valkey` and `valkeys` mean the same as `redis` and `rediss`.
 */

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface StoreUrl {
  readonly kind: "single" | "sentinel" | "cluster";
  readonly hosts: readonly HostPort[];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** The name of the master, for Sentinel. */
  readonly name?: string;
  readonly database: number;
  /** The URL without its password: for log lines and errors. */
  readonly shown: string;
}

const ADDRESS =
  /^(redis|valkey)(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/?#@]+)(?:\/([^?#]*))?$/;
const DEFAULT_PORTS = { single: 6379, sentinel: 26_379, cluster: 6379 } as const;

/**
 * Throws an Error that says what is expected, without the text itself: it may contain a password.
 */
export function parseStoreUrl(text: string): StoreUrl {
  const parts = ADDRESS.exec(text);
  if (parts === null)
    throw new Error(
      "the table's address is not redis://host:port, " +
        "redis+sentinel://host:port,…/name or redis+cluster://host:port,…",
    );
  const [, scheme = "", secure = "", form, user, hostList = "", path = ""] = parts;
  const kind = form === "sentinel" || form === "cluster" ? form : "single";
  const hosts = hostList.split(",").map((host) => parseHost(host, DEFAULT_PORTS[kind]));
  if (kind === "single" && hosts.length > 1)
    throw new Error(
      "a single server has one host; write redis+cluster:// or redis+sentinel:// for several",
    );
  const [first = "", second = ""] = path.split("/");
  if (kind === "sentinel" && first === "")
    throw new Error(
      "the address of Sentinels ends with the name of their master: " +
        "redis+sentinel://host:port/mymaster",
    );
  const databaseText = kind === "sentinel" ? second : first;
  if (!/^[0-9]{0,3}$/.test(databaseText))
    throw new Error("the database in the table's address is not a number");
  if (kind === "cluster" && Number(databaseText) > 0)
    throw new Error("a Redis Cluster has no numbered databases");
  return {
    kind,
    hosts,
    tls: secure === "s",
    ...credentials(user),
    ...(kind === "sentinel" ? { name: decodeURIComponent(first) } : {}),
    database: Number(databaseText),
    shown:
      `${scheme}${secure}${form === undefined ? "" : `+${form}`}://${hostList}` +
      (path === "" ? "" : `/${path}`),
  };
}

function credentials(user: string | undefined): { username?: string; password?: string } {
  if (user === undefined || user === "") return {};
  const colon = user.indexOf(":");
  const password = decodeURIComponent(user.slice(colon + 1));
  return colon > 0
    ? { username: decodeURIComponent(user.slice(0, colon)), password }
    : { password };
}

function parseHost(text: string, defaultPort: number): HostPort {
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::([0-9]{1,5}))?$/.exec(text);
  const port = Number(parts?.[2] ?? defaultPort);
  if (parts?.[1] === undefined || port < 1 || port > 65_535)
    throw new Error("a host in the table's address is not host:port");
  return { host: parts[1].replace(/^\[|\]$/g, ""), port };
}
