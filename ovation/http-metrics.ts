/** Requests that were answered with a problem, by its code: what hostile and mistaken clients are counted by. */

import type { ProblemCode } from "@ovation/protocol";
import { Counter, type Registry } from "prom-client";

export function countProblems(registry: Registry): (code: ProblemCode) => void {
  const counter = new Counter({
    name: "ovation_http_problems_total",
    help: "Requests answered with a problem, by code",
    labelNames: ["code"],
    registers: [registry],
  });
  return (code) => counter.inc({ code });
}
