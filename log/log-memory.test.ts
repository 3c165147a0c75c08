import { logContract } from "./log.contract.ts";
import { MemoryLog } from "./log-memory.ts";

logContract(
  "memory",
  async (options) => {
    const log = new MemoryLog(options);
    return { log, other: log, dispose: () => log.close() };
  },
  { hasOwnClock: true },
);
