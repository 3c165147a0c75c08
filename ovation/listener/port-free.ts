/**
 * Whether a port is free, for listeners that share theirs and would not see another program there.
 */

/** Throws EADDRINUSE or EADDRNOTAVAIL. */
export function ensurePortFree(port: number, host: string): void {
  const probe = Bun.serve({ port, hostname: host, fetch: () => new Response() });
  void probe.stop(true);
}
