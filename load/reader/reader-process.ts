/** A reader process of one run: started by `load.ts`, controlled over IPC, ends with its parent. */
import { nowUs } from "../clock.ts";
import type { ReaderCommand, ReaderMessage } from "../messages.ts";
import { Reader } from "./reader.ts";

let reader: Reader | undefined;

function say(message: ReaderMessage): void {
  process.send?.(message);
}

function fail(error: unknown): void {
  say({ is: "failed", reason: error instanceof Error ? error.message : String(error) });
}

function saySecond(from: Reader): void {
  say({
    is: "second",
    progress: from.progress(),
    latency: from.takeLatency(),
    refusals: from.refusals,
    atUs: nowUs(),
  });
}

function ordered(): Reader {
  if (reader === undefined) throw new Error("the first command is start");
  return reader;
}

function obey(command: ReaderCommand): void {
  switch (command.do) {
    case "start": {
      const created = new Reader(command.task, { ready: () => say({ is: "ready" }), failed: fail });
      reader = created;
      created.open().catch(fail);
      setInterval(() => saySecond(created), 1000);
      break;
    }
    case "record":
      ordered().record(command.fromUs);
      break;
    case "measure":
      ordered().measure();
      break;
    case "measure-end":
      ordered().measureEnd();
      break;
    case "cut":
      ordered().cut(command.spreadMs);
      break;
    case "compare":
      say({ is: "behind", slots: ordered().behind(command.finals), absent: ordered().absent });
      break;
    case "finish": {
      const last = ordered();
      saySecond(last);
      say({ is: "finished", result: last.finish(command.finals) });
      break;
    }
  }
}

process.on("message", (command: ReaderCommand) => {
  try {
    obey(command);
  } catch (error) {
    fail(error);
  }
});
process.on("disconnect", () => process.exit(0));
say({ is: "up" });
