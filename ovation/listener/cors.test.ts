import { expect, test } from "bun:test";
import { type RouteAnswer, SourceAnswer, TextAnswer, toResponse } from "@ovation/protocol";
import { createCors } from "./cors.ts";

const headers = { "content-type": "text/plain", vary: "accept-encoding" };
const forms: readonly (readonly [what: string, answer: () => RouteAnswer])[] = [
  ["a Response", () => new Response("a", { headers })],
  ["a short text", () => new TextAnswer("a", 200, headers)],
  ["a long answer", () => new SourceAnswer({ status: 200, headers, source: Buffer.from("a") })],
];

for (const [what, answer] of forms) {
  test(`${what} says that it depends on the origin beside what it depends on already`, async () => {
    const cors = createCors(["https://good.example"]);
    for (const [origin, allowed] of [
      ["https://good.example", "https://good.example"],
      ["https://bad.example", null],
    ] as const) {
      const request = new Request("http://x/", { headers: { origin } });
      const finished = toResponse(cors.finish(request, answer()));
      expect(finished.headers.get("vary")).toBe("accept-encoding, origin");
      expect(finished.headers.get("access-control-allow-origin")).toBe(allowed);
      expect(await finished.text()).toBe("a");
    }
  });
}
