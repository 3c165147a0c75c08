/**
 * What lies between two data centres of a test, and can be cut in silence. Forms:
 * `link-namespaces.ts`, `link-proxy.ts`.
 */

/** Where one of the data centres is. */
export interface Site {
  /** What its listeners bind to. */
  readonly host: string;
  /** Of its dispatcher. */
  readonly internalPort: number;
  /** Where the other data centre reaches that, over the link. */
  readonly peerUrl: string;
  /** Where this process reaches the data centre, not over the link. */
  readonly address: string;
  /** Where the data centre reaches this process, if not at 127.0.0.1. */
  readonly outside: { readonly address: string; readonly network: string } | undefined;
}

export interface SiteLink {
  readonly form: "namespaces" | "proxy";
  /** What to start in place of a command, so that it runs where a data centre is. */
  command(command: readonly string[]): readonly string[];
  /** Joins the places where two processes run. The link is up. */
  join(pids: readonly [number, number]): Promise<readonly [Site, Site]>;
  /** From now on nothing that one side sends arrives at the other. */
  cut(): void;
  heal(): void;
  close(): Promise<void>;
}

export function run(
  command: readonly string[],
  input = "",
): { readonly exitCode: number; readonly stdout: string; readonly stderr: string } {
  // Debian has `ip` in sbin, which is not on every PATH.
  const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], {
    env,
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}
