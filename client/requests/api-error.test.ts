import { expect, test } from "bun:test";
import { ApiError, toApiError } from "./api-error.ts";

const problem = (body: string, headers: Record<string, string> = {}): Response =>
  new Response(body, {
    status: 429,
    headers: { "content-type": "application/problem+json", ...headers },
  });

test("a problem's code, detail, pause and topic are the error's", async () => {
  const body = { code: "rate-limited", detail: "too fast", retryAfterMs: 250, topic: "video:1" };
  const error = await toApiError(problem(JSON.stringify(body), { "retry-after": "9" }));
  expect(error).toBeInstanceOf(ApiError);
  expect({ ...error }).toMatchObject({ ...body, status: 429 });
  expect(error.message).toBe("rate-limited: too fast");
});

test("without a problem the status is the code, and Retry-After the pause", async () => {
  const plain = new Response("<h1>busy</h1>", {
    status: 503,
    headers: { "content-type": "text/html", "retry-after": "2" },
  });
  expect(await toApiError(plain)).toMatchObject({ code: "http-503", retryAfterMs: 2000 });
});

test("bodies that are no problem document add nothing", async () => {
  for (const body of ["{", "null", "[]", '{"code":7,"retryAfterMs":"soon","topic":{}}']) {
    const error = await toApiError(problem(body));
    expect(error).toMatchObject({ code: "http-429", detail: "status 429" });
    expect("retryAfterMs" in error && error.retryAfterMs !== undefined).toBe(false);
    expect(error.topic).toBeUndefined();
  }
});
