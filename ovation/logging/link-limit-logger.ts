/** Logs that the links of a dispatcher are at a bound of all of them together. */

import { type Clock, steadyClock } from "@ovation/protocol";
import type { Logger } from "pino";
import { createLogThrottle } from "./log-throttle.ts";

const TEXTS = {
  links:
    "more frontends than links: those that had no event for longest lose theirs until they get " +
    "the next one. Run fewer, larger frontends in this data centre, or more data centres",
  bytes:
    "frontends do not keep up: the links together hold as much as they may, and the oldest " +
    "events of the slowest are dropped. ovation_link_dropped_full_events_total counts them; see " +
    "the CPU and network of the frontends",
};

export function createLinkLimitLogger(
  logger: Logger,
  clock: Clock = steadyClock,
): (bound: keyof typeof TEXTS) => void {
  const throttle = createLogThrottle(clock);
  return (bound) => throttle(bound, (suppressed) => logger.warn({ ...suppressed }, TEXTS[bound]));
}
