/**
 * `docs/errors.md`, written from the table in `protocol/requests/problem.ts`:
 *
 *     sh ovation/bin/bun scripts/errors-document.ts
 *
 * A test holds that the committed page is the current one.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROBLEMS, type ProblemCode } from "@ovation/protocol";

export const ERRORS_PAGE = join(import.meta.dir, "../docs/errors.md");

/** What a client does about a response; advice of its code where that says more than the status. */
const ADVICE_BY_STATUS: Readonly<Record<number, string>> = {
  400: "A mistake in the request: correct it, do not repeat it.",
  401: "Fetch a token and repeat.",
  403: "Do not repeat; this token may not.",
  404: "Check the address.",
  405: "Check the method; `Allow` names the right ones.",
  413: "Send less at once.",
  415: "Set `Content-Type`.",
  431: "Send fewer or shorter headers, or a shorter address.",
  500: "Repeat with a growing pause; the server's log has the cause.",
  502: "Repeat with a growing pause.",
  503: "Repeat with a growing pause.",
};

const ADVICE_BY_CODE: Readonly<Partial<Record<ProblemCode, string>>> = {
  "text-too-long": "Shorten it: code points are counted, an emoji is one.",
  "text-empty": "Say something: white space alone does not count.",
  "invalid-text": "Take out control characters and halves of surrogate pairs.",
  "invalid-position": "Connect without a position and read the history again.",
  "too-many-topics": "Open a second connection, or subscribe to fewer.",
  "token-expired": "Fetch a fresh token and repeat. The SDK calls your `token` function.",
  "key-reused": "Use a new key for new content.",
  superseded: "Nothing: what the connection has is what its last change said.",
  "timed-out": "Wait until `until`.",
  "unknown-connection": "Connect again, then repeat with the new connection id.",
  "rate-limited":
    "Wait `Retry-After` seconds (`retryAfterMs` in the body), " +
    "then repeat with the same `clientId`.",
  "log-full": "Nothing was stored. Repeat later; live events still flow.",
};

export function formatErrorsPage(): string {
  const rows = (Object.keys(PROBLEMS) as ProblemCode[]).map((code) => {
    const { status, title } = PROBLEMS[code];
    return [
      `\`${code}\``,
      String(status),
      title,
      ADVICE_BY_CODE[code] ?? ADVICE_BY_STATUS[status] ?? "",
    ];
  });
  return `# Errors

<!-- Written by scripts/errors-document.ts from protocol/requests/problem.ts. Change it there. -->

Every answer that is not a success is [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)
\`application/problem+json\`:

\`\`\`json
{
  "type": "urn:ovation:problem:rate-limited",
  "title": "Too many requests; wait a little",
  "status": 429,
  "detail": "Too many requests; wait a little",
  "code": "rate-limited",
  "retryAfterMs": 2400
}
\`\`\`

Programs decide by \`code\`. Codes are stable: one is never renamed or given another meaning.
\`title\` and \`detail\` are for people and may change. No error ever holds a token.

${formatTable(["code", "status", "what happened", "what to do"], rows)}
`;
}

/** A table of Markdown, its columns aligned. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [
    line(head),
    `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`,
    ...rows.map(line),
  ].join("\n");
}

if (import.meta.main) writeFileSync(ERRORS_PAGE, formatErrorsPage());

/** Whether the committed page says what the table says. */
export function isErrorsPageCurrent(): boolean {
  return readFileSync(ERRORS_PAGE, "utf8") === formatErrorsPage();
}
