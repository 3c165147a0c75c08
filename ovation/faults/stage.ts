/**
 * What a run breaks: a running system, the doors that viewers and publishers come through, and
 * the ways in which it can be broken. `stage-one.ts` is `ovation start`, `stage-cluster.ts` the
 * roles of a cluster.
 */

import type { Log } from "@ovation/log";
import type { Json, Topic } from "@ovation/protocol";
import { startTcpProxy, type TcpProxy } from "../../testing/tcp-proxy.ts";
import type { ClusterProcess } from "../cluster/cluster-process.ts";
import { contentOf, keyOf, type LoggedEvent } from "./history.ts";
import type { Recorder } from "./recorder.ts";
import type { FaultKind } from "./schedule.ts";
import type { SaidLines } from "./stop-faults.ts";

/** Where viewers and publishers reach one data centre. */
export interface Door {
  readonly name: string;
  readonly url: string;
  /** The same through a network that can be cut. */
  readonly farUrl: string;
  readonly network: TcpProxy;
}

/**
 * A way to break something, with what does it and undoes it. Both say what they do by resolving.
 */
export interface Fault extends FaultKind {
  begin(target: string): Promise<void>;
  end(target: string): Promise<void>;
}

/** What a stage is started with. */
export interface StageOptions {
  readonly seed: number;
  readonly recorder: Recorder;
  readonly said: SaidLines;
  onLine(process: string, line: string): void;
}

/** Puts an earlier copy of the data back: everything since then is lost. */
export interface Backups {
  /** How this stage can be restored; each by its name. */
  readonly ways: readonly string[];
  /** Everything runs and is ready after it. */
  backUp(way: string): Promise<void>;
  /** `whenStopped` is called while no process has the data open. */
  restore(way: string, whenStopped: () => Promise<void>): Promise<void>;
}

export interface Stage {
  /** What runs, for the report. */
  readonly shape: string;
  readonly secret: string;
  readonly doors: readonly Door[];
  readonly processes: readonly ClusterProcess[];
  /** Those that count likes. */
  readonly likers: readonly ClusterProcess[];
  readonly faults: readonly Fault[];
  readonly backups: Backups;
  /** When what the faults began is judged: what was wrong with it. */
  settle(): Promise<readonly string[]>;
  /** What cannot be broken on this machine, and why. */
  readonly missing: readonly string[];
  /**
   * All events of these topics, as the log has them at the end. Viewers and publishers are gone
   * by then.
   */
  readLog(topics: readonly Topic[]): Promise<ReadonlyMap<string, readonly LoggedEvent[]>>;
  stop(): Promise<void>;
}

const PAGE_EVENTS = 1000;

export async function openDoor(name: string, url: string): Promise<Door> {
  const network = await startTcpProxy({ target: { port: Number(new URL(url).port) } });
  return { name, url, farUrl: `http://127.0.0.1:${network.port}`, network };
}

export async function readWholeLog(
  log: Log,
  topics: readonly Topic[],
): Promise<ReadonlyMap<string, readonly LoggedEvent[]>> {
  const whole = new Map<string, readonly LoggedEvent[]>();
  for (const topic of topics) {
    const events: LoggedEvent[] = [];
    for (let after = 0; ; ) {
      const page = await log.read(topic, { after, limit: PAGE_EVENTS });
      for (const { place, type, data } of page.events) {
        const value = JSON.parse(data) as Json;
        events.push({ seq: place.seq, key: keyOf(value), content: contentOf(type, value) });
      }
      const last = events.at(-1);
      if (last === undefined || last.seq === after) break;
      after = last.seq;
    }
    whole.set(topic, events);
  }
  return whole;
}
