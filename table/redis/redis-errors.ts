/**
 * The errors of Redis and its client, for two readers: the code that retries, and the operator who
 * reads the log.
 */

import type { StoreUrl } from "./redis-url.ts";

const PASSING = new RegExp(
  "^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|READONLY|MASTERDOWN)|connection is closed|" +
    "isn't writeable|isn't ready|not ready|ECONN|socket|startup nodes|refresh slots|" +
    "all sentinels|max retries per request|slots allocation group",
  "i",
);

/**
 * Transient errors during a failover. Where a connection broke, the call may have been carried out.
 */
export function isPassing(message: string): boolean {
  return PASSING.test(message);
}

/** A slot is on another node than this client has recorded. */
export function isMoved(message: string): boolean {
  return /^MOVED|slots allocation group/.test(message);
}

/** The client's own error for a call that it did not send: its last error says why. */
export function isNotConnected(message: string): boolean {
  return /isn't writeable|isn't ready|connection is closed|max retries per request|no answer/i.test(
    message,
  );
}

/** Permanent errors: the URL asks for something that the server does not have. */
export function isHopeless(message: string): boolean {
  return /DB index is out of range/i.test(message);
}

interface Explanation {
  readonly sign: RegExp;
  readonly advice: string;
  readonly where?: (address: StoreUrl) => boolean;
}

/** The first match counts. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    sign: /^(WRONGPASS|ERR invalid password)/i,
    advice: "the user name or the password in --table is wrong",
  },
  { sign: /^NOAUTH/, advice: "it asks for a password: write redis://:password@host:port" },
  {
    sign: /^ERR AUTH|without any password configured/i,
    advice: "--table has a password, and it has none",
  },
  { sign: /^NOPERM/, advice: "its user needs all commands on keys o:* (ACL SETUSER … +@all ~o:*)" },
  { sign: /^OOM/, advice: "its memory is full: raise maxmemory, or give it a server of its own" },
  {
    sign: /^MISCONF/,
    advice:
      "it refuses writes while it cannot save to its disk; the table needs no saving (save '')",
  },
  { sign: /DB index is out of range/i, advice: "it has no database of that number" },
  {
    sign: /RESP type|protocol error/i,
    advice:
      "what listens there does not speak Redis' protocol: check host and port of " +
      "--table, and whether it takes TLS",
  },
  {
    sign: /ETIMEDOUT|socket timeout/i,
    advice: "no answer to TLS: if it has none, write redis:// in place of rediss://",
    where: ({ tls }) => tls,
  },
  {
    sign: /unknown command '?sentinel/i,
    advice: "it is not a Sentinel: write redis://host:port for a single server",
  },
  { sign: /cluster support disabled/i, advice: "it is not a Cluster: write redis://host:port" },
  {
    sign: /^(MOVED|CROSSSLOT)/,
    advice: "it is a node of a Cluster: write redis+cluster://host:port",
    where: ({ kind }) => kind !== "cluster",
  },
  { sign: /ENOTFOUND|EAI_AGAIN/, advice: "that name is not known here" },
  {
    sign: /ECONNREFUSED/,
    advice: "nothing listens there: start it, or check host and port of --table",
  },
];

/** With advice, and without the password, in whatever text repeats it. */
export function explainStoreError(message: string, address: StoreUrl): string {
  const { password } = address;
  const said =
    password === undefined || password === "" ? message : message.replaceAll(password, "…");
  const found = EXPLANATIONS.find(
    ({ sign, where }) => sign.test(message) && (where === undefined || where(address)),
  );
  return found === undefined ? said : `${said} (${found.advice})`;
}
