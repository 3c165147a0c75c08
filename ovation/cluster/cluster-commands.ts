/**
 * What can be told to a running cluster, one line at a time: at the terminal of `npm run cluster`,
 * or by a program.
 */

import type { ClusterProcess } from "./cluster-process.ts";
import type { DatacenterLink } from "./datacenter-link.ts";
import { BANDWIDTH_FORM, formatBandwidth, parseBandwidth } from "./link-conditions.ts";

export interface CommandAnswer {
  readonly ok: boolean;
  /** What was done, or what is wrong with the line. */
  readonly said: string;
}

/** What commands are for. */
export interface CommandedCluster {
  readonly link: DatacenterLink;
  readonly processes: ReadonlyMap<string, ClusterProcess>;
}

interface ClusterCommand {
  readonly form: string;
  readonly about: string;
  run(cluster: CommandedCluster, value: string): CommandAnswer | Promise<CommandAnswer>;
}

const done = (said: string): CommandAnswer => ({ ok: true, said });
const refused = (said: string): CommandAnswer => ({ ok: false, said });

const LINK_COMMANDS: Readonly<Record<string, ClusterCommand>> = {
  cut: {
    form: "cut",
    about: "reset what goes between the data centres, and refuse what is new",
    run({ link }) {
      link.cut();
      return done("the link is cut: connections are reset, new ones refused");
    },
  },
  "half-cut": {
    form: "half-cut NAME",
    about: "nothing reaches this data centre, without an error; both of them: a dead line",
    run({ link }, name) {
      if (!link.datacenters.includes(name))
        return refused(`half-cut takes ${link.datacenters.join(" or ")}`);
      link.halfCut(name);
      return done(
        `nothing reaches ${name} over the link any more, without an error; ` +
          "what it sends still arrives, if not cut as well",
      );
    },
  },
  heal: {
    form: "heal",
    about: "end every cut",
    run({ link }) {
      link.heal();
      return done("the link is whole");
    },
  },
  delay: {
    form: "delay MS",
    about: "one way",
    run({ link }, value) {
      const delayMs = toMs(value);
      if (delayMs === undefined) return refused("delay takes a number of ms, one way");
      link.set({ delayMs });
      return done(`what goes between the data centres takes ${delayMs} ms each way`);
    },
  },
  jitter: {
    form: "jitter MS",
    about: "up to so much more",
    run({ link }, value) {
      const jitterMs = toMs(value);
      if (jitterMs === undefined) return refused("jitter takes a number of ms");
      link.set({ jitterMs });
      return done(`and up to ${jitterMs} ms more, at random`);
    },
  },
  bandwidth: {
    form: "bandwidth RATE",
    about: BANDWIDTH_FORM,
    run({ link }, value) {
      const bytesPerSecond = parseBandwidth(value);
      if (bytesPerSecond === undefined) return refused(`bandwidth is written ${BANDWIDTH_FORM}`);
      link.set({ bytesPerSecond });
      return done(
        bytesPerSecond === 0
          ? "the link carries whatever comes"
          : `the link carries ${formatBandwidth(bytesPerSecond)} each way`,
      );
    },
  },
};

const PROCESS_COMMANDS: Readonly<Record<string, ClusterCommand>> = {
  kill: {
    form: "kill PROCESS",
    about: "end one like east/frontend-0 at once, as `kill -9` does",
    async run({ processes }, name) {
      const process = processes.get(name);
      if (process === undefined)
        return refused(`kill takes one of ${[...processes.keys()].sort().join(", ")}`);
      if (!process.running) return refused(`${name} does not run`);
      await process.kill();
      return done(`${name} is killed`);
    },
  },
  stop: {
    form: "stop PROCESS",
    about: "end one as a supervisor does: SIGTERM, and SIGKILL where it takes too long",
    async run({ processes }, name) {
      const process = processes.get(name);
      if (process === undefined)
        return refused(`stop takes one of ${[...processes.keys()].sort().join(", ")}`);
      if (!process.running) return refused(`${name} does not run`);
      const { code, tookMs } = await process.terminate();
      return done(`${name} has ended with ${code} after ${(tookMs / 1000).toFixed(1)} s`);
    },
  },
  start: {
    form: "start PROCESS",
    about: "start one again that has ended",
    async run({ processes }, name) {
      const process = processes.get(name);
      if (process === undefined)
        return refused(`start takes one of ${[...processes.keys()].sort().join(", ")}`);
      if (process.running) return refused(`${name} runs already`);
      await process.restart();
      return done(`${name} is ready again, as pid ${process.pid}`);
    },
  },
};

const COMMANDS: Readonly<Record<string, ClusterCommand>> = {
  ...LINK_COMMANDS,
  ...PROCESS_COMMANDS,
};

/** One line for each command that there is something for. */
export function listCommands({ link }: Pick<CommandedCluster, "link">): readonly string[] {
  const commands = Object.values(link.datacenters.length < 2 ? PROCESS_COMMANDS : COMMANDS);
  return [
    ...commands.map(({ form, about }) => `${form.padEnd(16)}${about}`),
    `${"help".padEnd(16)}this list`,
  ];
}

export async function runCommand(cluster: CommandedCluster, line: string): Promise<CommandAnswer> {
  const [name = "", value = "", ...more] = line.trim().split(/\s+/);
  if (name === "help") return done(listCommands(cluster).join("\n"));
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) return refused(`no command ${JSON.stringify(name)}; help lists them`);
  if (Object.hasOwn(LINK_COMMANDS, name) && cluster.link.datacenters.length < 2)
    return refused("there is one data centre, so no link");
  if (more.length > 0 || (value !== "") !== command.form.includes(" "))
    return refused(`it is written: ${command.form}`);
  return command.run(cluster, value);
}

export function toMs(text: string): number | undefined {
  return /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : undefined;
}
