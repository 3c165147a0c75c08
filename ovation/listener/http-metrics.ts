/** What hostile and mistaken clients are counted by. */

import type { CutReason } from "@ovation/http";
import type { ProblemCode } from "@ovation/protocol";
import { Counter, type Registry } from "prom-client";

export interface HttpCounts {
  onProblem(code: ProblemCode): void;
  onCut(reason: CutReason): void;
}

export function countHttp(registry: Registry): HttpCounts {
  const problems = new Counter({
    name: "ovation_http_problems_total",
    help: "Requests answered with a problem, by code",
    labelNames: ["code"],
    registers: [registry],
  });
  const cuts = new Counter({
    name: "ovation_http_cuts_total",
    help:
      "Connections ended without their asking, by reason: no request in time, an unread or " +
      "broken answer, room for others",
    labelNames: ["reason"],
    registers: [registry],
  });
  return { onProblem: (code) => problems.inc({ code }), onCut: (reason) => cuts.inc({ reason }) };
}
