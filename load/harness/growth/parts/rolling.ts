/** All dispatchers are restarted, one after the other: which of them do frontends use then? */

import { totalOf } from "../call-watch.ts";
import { maxOverMean, type Part } from "./part.ts";

/** Between two restarts, as the documents say. */
const PAUSE_MS = 4000;
/** Longer than frontends avoid a dispatcher, and ask which there are. */
const SETTLE_MS = 8000;

export const rolling: Part = {
  name: "rolling",
  isQuiet: false,
  async run(stage, record) {
    const { bench, dispatchers, fleet } = stage;
    await fleet.calls();
    for (const dispatcher of dispatchers) {
      await stage.restart(dispatcher);
      bench.progress(`${dispatcher.name} was restarted`);
      await Bun.sleep(bench.size(1000, PAUSE_MS));
    }
    record("rollFailed", totalOf(await fleet.calls()).failed);
    await Bun.sleep(bench.size(2500, SETTLE_MS));
    await fleet.calls();
    await Bun.sleep(bench.size(2500, 5000));
    const { byDispatcher } = await fleet.calls();
    const calls = dispatchers.map(({ internalUrl }) => byDispatcher[internalUrl] ?? 0);
    const connections = stage.connections();
    bench.progress(`calls ${calls.join(" ")}; connections ${connections.join(" ")}`);
    record("rollCalls", maxOverMean(calls));
    record("rollConnections", maxOverMean(connections));
  },
};
