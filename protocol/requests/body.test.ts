import { expect, test } from "bun:test";
import { parseExactJson, parseJson, readBytes, readJson } from "./body.ts";
import type { HttpRequest } from "./route.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** `chunks`: without a content length. */
function request(chunks: readonly string[], length?: number) {
  let read = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[read++];
        if (chunk === undefined) controller.close();
        else controller.enqueue(bytesOf(chunk));
      },
    },
    { highWaterMark: 0 },
  );
  const headers = new Headers(length === undefined ? {} : { "content-length": String(length) });
  const bytes = async () => bytesOf(chunks.join(""));
  return { asked: { headers, body, bytes } as unknown as HttpRequest, read: () => read };
}

test("a body is read whole up to its bound, with and without a content length", async () => {
  expect(await readBytes(request(["abc"], 3).asked, 3)).toEqual(bytesOf("abc"));
  expect(await readBytes(request(["a", "bc"]).asked, 3)).toEqual(bytesOf("abc"));
});

test("a body beyond the bound is refused before all of it was read", async () => {
  const announced = request(["abcd"], 4);
  expect(readBytes(announced.asked, 3)).rejects.toMatchObject({ code: "body-too-large" });
  expect(announced.read()).toBe(0);
  const endless = request(Array.from({ length: 100 }, () => "ab"));
  const error = await readBytes(endless.asked, 3).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "body-too-large", extra: { bytesMax: 3 } });
  expect(endless.read()).toBeLessThan(5);
});

test("JSON that is malformed or not UTF-8 is refused", () => {
  expect(() => parseJson(bytesOf("{"))).toThrow(expect.objectContaining({ code: "invalid-json" }));
  expect(() => parseJson(new Uint8Array([34, 0xff, 34]))).toThrow(
    expect.objectContaining({ code: "invalid-json" }),
  );
});

test("JSON that a reader would change is refused, with its path", async () => {
  expect(await readJson(request(['{"a":[1]}']).asked, 100)).toEqual({ a: [1] });
  expect(() => parseExactJson(bytesOf('{"a":[9007199254740993]}'))).toThrow(/^a\[0\]/);
  expect(() => parseExactJson(bytesOf('{"a":1,"a":2}'))).toThrow(
    expect.objectContaining({ code: "invalid-body" }),
  );
});
