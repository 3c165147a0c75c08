/**
 * What axe finds on a page, with its shadow roots: nothing, or sentences that name the element and
 * the rule.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function violations(page: Page): Promise<string[]> {
  // Evaluated, not added as a script: the page's policy would refuse it, as it should.
  await page.evaluate(`${AXE}; undefined`);
  return page.evaluate(async () => {
    type Result = {
      violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
    };
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<Result> } };
    const { violations } = await axe.run({ resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
    );
  });
}
