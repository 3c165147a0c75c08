import { describe, expect, test } from "bun:test";
import { Problem } from "@ovation/protocol";
import fc from "fast-check";
import { BODY_BYTES_MAX, HEADERS_MAX } from "../limits.ts";
import { parseRequestHead } from "./request-head.ts";

const head = (...lines: readonly string[]) => ["GET / HTTP/1.1", "Host: x", ...lines].join("\r\n");

function codeOf(text: string): string {
  try {
    parseRequestHead(text);
    return "taken";
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
}

describe("a request head", () => {
  test("is a method, a target and headers, whose names have no case", () => {
    const parsed = parseRequestHead(
      "POST /v1/publish?a=b HTTP/1.1\r\nHost: example.org\r\nX-Two: 1\r\nx-two: \t2 \r\nEmpty:\r\n",
    );
    expect(parsed).toMatchObject({
      method: "POST",
      target: "/v1/publish?a=b",
      isOld: false,
      keepAlive: true,
      body: { kind: "none" },
    });
    expect(parsed.headers.get("HOST")).toBe("example.org");
    expect(parsed.headers.get("x-two")).toBe("1, 2");
    expect(parsed.headers.get("empty")).toBe("");
    expect(parsed.headers.get("absent")).toBeNull();
  });

  test("says whether the connection is kept alive", () => {
    expect(parseRequestHead(head("Connection: Close")).keepAlive).toBe(false);
    expect(parseRequestHead(head("Connection: keep-alive, close")).keepAlive).toBe(false);
    expect(parseRequestHead(head("Connection: keep-alive")).keepAlive).toBe(true);
    expect(parseRequestHead("GET / HTTP/1.0").keepAlive).toBe(false);
  });

  test("says what body follows", () => {
    expect(parseRequestHead(head("Content-Length: 12")).body).toEqual({
      kind: "length",
      bytes: 12,
    });
    expect(parseRequestHead(head("Content-Length: 0")).body).toEqual({ kind: "none" });
    expect(parseRequestHead(head("Transfer-Encoding: chunked")).body).toEqual({ kind: "chunked" });
    expect(parseRequestHead(head("Expect: 100-continue")).expectsContinue).toBe(true);
  });

  for (const host of ["example.org", "127.0.0.1:8080", "[::1]:8080", "a_b.internal", ""]) {
    test(`takes ${host === "" ? "an empty Host" : `the Host ${host}`}`, () => {
      expect(parseRequestHead(`GET / HTTP/1.1\r\nHost: ${host}`).headers.get("host")).toBe(host);
    });
  }

  const refused: readonly (readonly [what: string, text: string, code: string])[] = [
    ["no version", "GET /\r\nHost: x", "invalid-request"],
    ["another version", "GET / HTTP/2.0\r\nHost: x", "invalid-request"],
    ["two spaces", "GET  / HTTP/1.1\r\nHost: x", "invalid-request"],
    ["a tab for a space", "GET\t/ HTTP/1.1\r\nHost: x", "invalid-request"],
    ["a space in the target", "GET /a b HTTP/1.1\r\nHost: x", "invalid-request"],
    ["bytes beyond ASCII in the target", "GET /\xe4 HTTP/1.1\r\nHost: x", "invalid-request"],
    ["a lone line feed", "GET / HTTP/1.1\nHost: x", "invalid-request"],
    ["a method with a colon", "G:T / HTTP/1.1\r\nHost: x", "invalid-request"],
    ["no Host", "GET / HTTP/1.1", "invalid-request"],
    ["two Hosts", head("Host: y"), "invalid-request"],
    ["a header without a colon", head("nothing"), "invalid-request"],
    ["a header without a name", head(": x"), "invalid-request"],
    ["a space before the colon", head("Content-Length : 3"), "invalid-request"],
    ["a folded header", head("X: a", " b"), "invalid-request"],
    ["a NUL", head("X: a\0b"), "invalid-request"],
    ["a lone CR", head("X: a\rb"), "invalid-request"],
    ["a lone LF", head("X: a\nb: c"), "invalid-request"],
    ["a vertical tab before a value", head("Transfer-Encoding: \x0bchunked"), "invalid-request"],
    ["a space of latin1 after a value", head("Transfer-Encoding: chunked\xa0"), "invalid-request"],
    ["a CR after a length", head("Content-Length: 3\r"), "invalid-request"],
    ["a lone LF before a header", head("X:\nContent-Length: 3"), "invalid-request"],
    ["a target with a fragment", "GET /a#b HTTP/1.1\r\nHost: x", "invalid-request"],
    ["a target that is none", "GET a/b HTTP/1.1\r\nHost: x", "invalid-request"],
    ["a target with a user", "GET http://a@b/ HTTP/1.1\r\nHost: x", "invalid-request"],
    ["a Host with a query", "GET / HTTP/1.1\r\nHost: x?topic=video:b", "invalid-request"],
    ["a Host with a path", "GET / HTTP/1.1\r\nHost: x/metrics?", "invalid-request"],
    ["a Host with a user", "GET / HTTP/1.1\r\nHost: x@y", "invalid-request"],
    ["a Host with a fragment", "GET / HTTP/1.1\r\nHost: x#", "invalid-request"],
    ["two lengths", head("Content-Length: 3", "Content-Length: 3"), "invalid-request"],
    ["a list of lengths", head("Content-Length: 3, 3"), "invalid-request"],
    ["a signed length", head("Content-Length: +3"), "invalid-request"],
    ["a length in hexadecimal", head("Content-Length: 0x3"), "invalid-request"],
    [
      "a length and chunks",
      head("Content-Length: 3", "Transfer-Encoding: chunked"),
      "invalid-request",
    ],
    ["another encoding", head("Transfer-Encoding: gzip, chunked"), "invalid-request"],
    [
      "chunks twice",
      head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
      "invalid-request",
    ],
    ["chunks in HTTP/1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked", "invalid-request"],
    [
      "too many headers",
      head(..."X: y,".repeat(HEADERS_MAX).split(",").slice(0, HEADERS_MAX)),
      "headers-too-large",
    ],
    ["too long a body", head(`Content-Length: ${BODY_BYTES_MAX + 1}`), "body-too-large"],
  ];
  for (const [what, text, code] of refused)
    test(`is refused with ${what}`, () => expect(codeOf(text)).toBe(code));

  test("of any bytes is taken or refused, and never lets a line end into a name or value", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "\r\n",
        "\r",
        "\n",
        "\0",
        ":",
        " ",
        "GET",
        "/",
        "HTTP/1.1",
        "Host",
        "Content-Length",
        "3",
        "Transfer-Encoding",
        "chunked",
      ),
      fc.string({ unit: "binary-ascii", maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.boolean(), (pieces, begun) => {
        const text = (begun ? "GET / HTTP/1.1\r\nHost: x\r\n" : "") + pieces.join("");
        if (codeOf(text) !== "taken") return;
        const parsed = parseRequestHead(text);
        expect(parsed.method + parsed.target).toMatch(/^[\x21-\x7e]+$/);
        parsed.headers.forEach((value, name) => {
          expect(name + value).not.toMatch(/[\r\n\0]/);
        });
      }),
      { numRuns: 2000 },
    );
  });
});
