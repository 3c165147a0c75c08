import { expect, test } from "bun:test";
import type { Route } from "@ovation/protocol";
import { Router } from "./router.ts";

const route = (method: Route["method"], path: string): Route => ({
  method,
  path,
  handle: () => new Response(),
});
const router = new Router([
  route("GET", "/"),
  route("GET", "/v1/videos"),
  route("GET", "/v1/videos/:id"),
  route("PUT", "/v1/videos/:id"),
  route("GET", "/v1/videos/:id/comments"),
  route("DELETE", "/v1/videos/:id/comments/:seq"),
  route("GET", "/v1/videos/listed"),
]);

const found = (path: string) => {
  const one = router.find(path);
  return one === undefined
    ? undefined
    : {
        methods: [...one.routes.keys()],
        path: [...one.routes.values()][0]?.path,
        params: one.params,
      };
};

test("a path leads to its routes, with its parameters decoded", () => {
  expect(found("/")).toEqual({ methods: ["GET"], path: "/", params: {} });
  expect(found("/v1/videos")).toEqual({ methods: ["GET"], path: "/v1/videos", params: {} });
  expect(found("/v1/videos/42")).toEqual({
    methods: ["GET", "PUT"],
    path: "/v1/videos/:id",
    params: { id: "42" },
  });
  expect(found("/v1/videos/a%20b/comments/7")?.params).toEqual({ id: "a b", seq: "7" });
});

test("a name beats a parameter", () => {
  expect(found("/v1/videos/listed")?.path).toBe("/v1/videos/listed");
});

test("what is no path of a route leads nowhere", () => {
  for (const path of [
    "",
    "/v1",
    "/v1/videos/",
    "/v1/videos//comments",
    "/v1/videos/42/",
    "/v1/videos/42/likes",
    "//v1/videos",
    "/V1/videos",
    "v1/videos",
  ]) {
    expect({ path, found: found(path) }).toEqual({ path, found: undefined });
  }
});

test("an encoded separator stays within its part, and what cannot be decoded is no id", () => {
  expect(found("/v1/videos/a%2Fcomments")?.params).toEqual({ id: "a/comments" });
  expect(found("/v1/videos/%ff")?.params).toEqual({ id: "\ufffd" });
});

test("two routes for the same are a mistake", () => {
  expect(() => new Router([route("GET", "/a"), route("GET", "/a")])).toThrow("two routes");
});
