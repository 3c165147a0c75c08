import { expect, test } from "bun:test";
import type { Clock } from "@ovation/protocol";
import {
  createFrontendCredential,
  formatFrontendCaller,
  isInternalUrl,
  parseFrontendCaller,
} from "../links/frontend-credential.ts";
import { AUTH_WINDOW_MS, createInternalAuth, HEADER_CHARACTERS_MAX } from "./auth.ts";

function clockAt(start: number): Clock & { time: number } {
  const clock = { time: start, now: () => clock.time, after: () => () => undefined };
  return clock;
}

const SECRET = "a secret of sufficient length";
const call = {
  method: "POST",
  path: "/internal/v1/change",
  from: "frontend x",
  to: "",
  body: '{"a":1}',
};

test("a signed call is accepted once, and names its caller", () => {
  const clock = clockAt(1_700_000_000_000);
  const auth = createInternalAuth({ secrets: [SECRET], clock });
  const headers = new Headers(auth.sign(call));
  expect(auth.verify(call, headers)).toEqual({ from: "frontend x", to: "" });
  expect(auth.verify(call, headers)).toBe("replayed");
  clock.time += AUTH_WINDOW_MS * 2;
  expect(auth.verify(call, headers)).toBe("late");
});

test("a call that was changed in any part is refused", () => {
  const auth = createInternalAuth({ secrets: [SECRET], clock: clockAt(1_700_000_000_000) });
  const headers = auth.sign(call);
  expect(auth.verify({ ...call, body: '{"a":2}' }, new Headers(headers))).toBe("forged");
  expect(auth.verify({ ...call, path: "/internal/v1/release" }, new Headers(headers))).toBe(
    "forged",
  );
  expect(auth.verify({ ...call, method: "PUT" }, new Headers(headers))).toBe("forged");
  for (const name of ["from", "to", "time", "nonce"]) {
    expect(
      auth.verify(
        call,
        new Headers({ ...headers, [`ovation-${name}`]: "1700000000000 other text" }),
      ),
    ).toBe("forged");
  }
  expect(auth.verify(call, new Headers({ ...headers, "ovation-signature": "x" }))).toBe("forged");
  expect(auth.verify(call, new Headers())).toBe("unsigned");
  expect(auth.verify(call, new Headers(headers))).toEqual({ from: "frontend x", to: "" });
});

test("another secret is refused, an old one is accepted while it is listed", () => {
  const clock = clockAt(1_700_000_000_000);
  const older = createInternalAuth({ secrets: [SECRET], clock });
  const newer = createInternalAuth({ secrets: ["the next secret, also long", SECRET], clock });
  const other = createInternalAuth({ secrets: ["the secret of another one"], clock });
  expect(newer.verify(call, new Headers(older.sign(call)))).toEqual({ from: "frontend x", to: "" });
  expect(older.verify(call, new Headers(newer.sign(call)))).toBe("forged");
  expect(newer.verify(call, new Headers(other.sign(call)))).toBe("forged");
  expect(() => createInternalAuth({ secrets: ["short"], clock })).toThrow();
  expect(() => createInternalAuth({ secrets: [], clock })).toThrow();
});

test("the memory of calls is bounded and empties itself", () => {
  const clock = clockAt(1_700_000_000_000);
  const auth = createInternalAuth({ secrets: [SECRET], clock, noncesMax: 3 });
  const results = Array.from({ length: 4 }, () => auth.verify(call, new Headers(auth.sign(call))));
  expect(results[3]).toBe("busy");
  clock.time += 2 * AUTH_WINDOW_MS;
  expect(auth.verify(call, new Headers(auth.sign(call)))).toEqual({ from: "frontend x", to: "" });
});

test("a frontend proves its id, and no other process can", () => {
  const [mine, other] = [createFrontendCredential(), createFrontendCredential()];
  const url = "http://10.0.0.7:9080";
  expect(parseFrontendCaller(formatFrontendCaller(mine, url))).toEqual({ id: mine.id, url });
  expect(
    parseFrontendCaller(formatFrontendCaller({ id: mine.id, proof: other.proof }, url)),
  ).toBeUndefined();
  expect(parseFrontendCaller(`frontend ${mine.id} ${mine.proof}`)).toBeUndefined();
  expect(parseFrontendCaller(`${formatFrontendCaller(mine, url)} more`)).toBeUndefined();
  expect(parseFrontendCaller(`datacenter ${mine.id} ${mine.proof} ${url}`)).toBeUndefined();
  for (const bad of [
    "",
    "ftp://a",
    "http://a/b",
    "http://u:p@a",
    "http://a?b",
    "javascript:x",
    "http://",
  ]) {
    expect(isInternalUrl(bad)).toBe(false);
  }
  for (const good of ["http://a:1", "https://frontend-3.internal:9080", "http://[::1]:9080"])
    expect(isInternalUrl(good)).toBe(true);
});

test("HEADER_CHARACTERS_MAX: so many characters are accepted; one more is refused", () => {
  const auth = createInternalAuth({ secrets: [SECRET], clock: clockAt(1_700_000_000_000) });
  const { "ovation-time": time = "", "ovation-nonce": nonce = "" } = auth.sign(call);
  const longest = HEADER_CHARACTERS_MAX - time.length - nonce.length;
  for (const [characters, isTaken] of [
    [longest, true],
    [longest + 1, false],
  ] as const) {
    const from = "x".repeat(characters);
    const verified = auth.verify(call, new Headers(auth.sign({ ...call, from })));
    expect(verified).toEqual(isTaken ? { from, to: "" } : "forged");
  }
});
