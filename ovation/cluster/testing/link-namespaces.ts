/**
 * Two network namespaces, one for each data centre, and between them a third one, the wire: a veth
 * pair to either side, and a bridge. `cut` sets the bridge down. Both sides still have their
 * interface, their route and their neighbour's address, as a machine has whose router is well and
 * whose data centre has lost its line: what they send vanishes, and no packet says so, no RST and
 * no "unreachable". Only time-outs notice.
 *
 * Viewers and PostgreSQL are out here, on a veth pair for each data centre: the cut separates the
 * data centres from each other and from nothing else. With the database beyond the link one side
 * would have no comments at all, which is another failure.
 *
 * The namespaces have no names. Each is held by the processes in it, and goes with the last of
 * them, and its interfaces with it: nothing is left behind, however the test ends.
 */

import { run, type Site, type SiteLink } from "./site-link.ts";

const INTERFACE = "wan";
/** Known in these namespaces only. */
const ADDRESSES = ["10.77.0.1", "10.77.0.2"] as const;
const HARDWARE = ["02:00:00:00:77:01", "02:00:00:00:77:02"] as const;
/** The namespace is the data centre's own, so that any port is free. */
const INTERNAL_PORT = 9081;

/** Why this process may not make all this; `undefined` where it may. */
export function namespacesMissing(): string | undefined {
  const name = `ovp${process.pid}`;
  // Here, and in a new namespace.
  const inside = "ip link add near type veth peer name far && ip link add wire type bridge";
  const here = `ip link add ${name} type veth peer name ${name}f && ip link del ${name}`;
  const script = `unshare --net sh -c '${inside}' && ${here}`;
  const { exitCode, stderr } = run(["sh", "-c", script]);
  return exitCode === 0 ? undefined : stderr.trim().split("\n")[0] || `exit ${exitCode}`;
}

export function createNamespaces(): SiteLink {
  const block = freeBlock();
  /** Of the pair to this machine's own namespace. */
  const here = (index: number) => `${block}.${index * 4 + 1}`;
  const there = (index: number) => `${block}.${index * 4 + 2}`;
  // Ends with its standard input, so with this process.
  const wire = Bun.spawn(["unshare", "--net", "--", "sh", "-c", "echo here; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });

  function joinSite(pid: number, index: 0 | 1): Site {
    const other = index === 0 ? 1 : 0;
    ip([
      `link add ov${pid} type veth peer name outside netns ${pid}`,
      `addr add ${here(index)}/30 dev ov${pid}`,
      `link set ov${pid} up`,
      `link add port${index} netns ${wire.pid} type veth peer name ${INTERFACE} netns ${pid}`,
    ]);
    ip([`link set port${index} master wire`, `link set port${index} up`], wire.pid);
    ip(
      [
        "link set lo up",
        `addr add ${there(index)}/30 dev outside`,
        "link set outside up",
        `addr add ${ADDRESSES[index]}/24 dev ${INTERFACE}`,
        `link set ${INTERFACE} address ${HARDWARE[index]} up`,
        // A router responds to ARP itself, also while the link is cut.
        `neigh replace ${ADDRESSES[other]} lladdr ${HARDWARE[other]} ` +
          `dev ${INTERFACE} nud permanent`,
      ],
      pid,
    );
    return {
      host: "0.0.0.0",
      internalPort: INTERNAL_PORT,
      peerUrl: `http://${ADDRESSES[index]}:${INTERNAL_PORT}`,
      address: there(index),
      outside: { address: here(index), network: `${block}.${index * 4}/30` },
    };
  }

  return {
    form: "namespaces",
    command: (command) => ["unshare", "--net", "--", ...command],
    async join([first, second]) {
      await wire.stdout.getReader().read();
      ip(["link add wire type bridge", "link set wire up"], wire.pid);
      return [joinSite(first, 0), joinSite(second, 1)];
    },
    cut: () => ip(["link set wire down"], wire.pid),
    heal: () => ip(["link set wire up"], wire.pid),
    async close() {
      await wire.stdin.end();
      await wire.exited;
    },
  };
}

/** In this namespace, or in that of a process. */
function ip(lines: readonly string[], pid?: number): void {
  const enter = pid === undefined ? [] : ["nsenter", "--target", String(pid), "--net"];
  const { exitCode, stderr } = run([...enter, "ip", "-batch", "-"], lines.join("\n"));
  if (exitCode !== 0) throw new Error(`${lines.join("; ")}: ${stderr}`);
}

/**
 * Three numbers of a link-local network that is not in use here: other tests may run beside this
 * one.
 */
function freeBlock(): string {
  const used = run(["ip", "-4", "addr"]).stdout;
  for (;;) {
    // Cloud machines find their metadata at 169.254.169.254.
    const block = `169.254.${1 + Math.floor(Math.random() * 160)}`;
    if (!used.includes(`${block}.`)) return block;
  }
}
