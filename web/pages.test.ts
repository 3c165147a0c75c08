import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { VideoInfo } from "@ovation/client";
import { Problem, type ProblemCode, type Route, toResponse } from "@ovation/protocol";
import fc from "fast-check";
import { escapeHtml, html } from "./html.ts";
import { parseRange } from "./media.ts";
import { createPages, type Pages } from "./mod.ts";

const evil = `"><script>alert(1)</script><img src=x onerror='x'>&`;
const video = (id: string, more: Partial<VideoInfo> = {}): VideoInfo => ({
  id,
  title: `Title of ${id}`,
  live: true,
  viewers: 1234,
  likes: { like: 90412 },
  comments: 3,
  head: 3,
  ...more,
});
const videos = [
  video("demo", {
    media: [{ src: "/media/demo.mp4", type: "video/mp4" }],
    poster: "https://pictures.example.org/p.jpg",
  }),
  video("closed", { closed: true }),
  video("evil", {
    title: evil,
    description: evil,
    poster: evil,
    media: [{ src: `javascript:${evil}; script-src *`, type: evil }],
  }),
];

let routes: readonly Route[];
let problemPage: Pages["problemPage"];
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "ovation-pages-"));
  await writeFile(join(directory, "clip.mp4"), "0123456789");
  await writeFile(join(directory, "secret.txt"), "no");
  ({ routes, problemPage } = await createPages({
    videos: async () => videos,
    video: async (id) => (id === "deleted" ? "deleted" : videos.find((each) => each.id === id)),
    mediaDirectory: directory,
  }));
});
afterAll(() => rm(directory, { recursive: true }));

async function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  const { pathname } = new URL(path, "http://localhost");
  for (const route of routes) {
    const match = new RegExp(`^${route.path.replaceAll(/:(\w+)/g, "(?<$1>[^/]+)")}$`).exec(
      pathname,
    );
    if (match === null) continue;
    const params = Object.fromEntries(
      Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]),
    );
    return toResponse(
      await route.handle(new Request(`http://localhost${path}`, { headers }), {
        params,
        address: "",
      }),
    );
  }
  throw new Error(`no route for ${path}`);
}

describe("the pages", () => {
  test("escape every value, wherever it stands", async () => {
    for (const path of ["/", "/watch/evil", "/embed/evil?theme=%22%3E%3Cscript%3E"]) {
      const text = await (await get(path)).text();
      expect(text).not.toContain("<script>");
      expect(text).not.toContain("<img src=x");
      expect(text).toContain("alert(1)");
    }
  });

  test("allow the origins of posters; a bad URL adds nothing to the policy", async () => {
    const policy = (await get("/")).headers.get("content-security-policy") ?? "";
    expect(policy).toContain("img-src 'self' https://pictures.example.org;");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain("*");
    expect(policy).not.toContain("unsafe");
  });

  test("speak the reader's language, in its direction", async () => {
    const arabic = await (await get("/", { "accept-language": "ar-EG,en;q=0.5" })).text();
    expect(arabic).toContain('<html lang="ar" dir="rtl">');
    expect(await (await get("/?lang=de", { "accept-language": "ar" })).text()).toContain(
      "Jetzt live",
    );
    expect(await (await get("/", { "accept-language": "xx" })).text()).toContain("1.2K watching");
  });

  test("answer 404 with a way home for a video and a file that are not there", async () => {
    for (const path of [
      "/watch/nowhere",
      "/embed/nowhere",
      "/media/secret.txt",
      "/media/..%2Fpages.ts",
    ]) {
      const response = await get(path);
      expect(response.status).toBe(404);
      expect(await response.text()).toContain('href="../"');
    }
  });

  test("say that a video was deleted, and that its comments are closed", async () => {
    const response = await get("/watch/deleted");
    expect(response.status).toBe(410);
    expect(await response.text()).toContain("This video was deleted");
    expect(await (await get("/watch/closed")).text()).toContain("Comments are closed.");
  });

  test("hold no address from the root: a proxy may serve them below a path", async () => {
    for (const path of ["/", "/watch/demo", "/watch/evil", "/embed/demo", "/watch/nowhere"]) {
      const text = await (await get(path)).text();
      expect(text.match(/(?:href|src|poster)="\/[^"]*"/g), path).toBeNull();
    }
  });

  test("are the response to a browser; programs and the API's paths get the problem", async () => {
    const html = "text/html,application/xhtml+xml,*/*;q=0.8";
    const page = (
      code: ProblemCode,
      path: string,
      headers: Record<string, string>,
      method = "GET",
    ) =>
      problemPage(
        new Problem(code, undefined, { retryAfterMs: 1500 }),
        new Request(`http://localhost${path}`, { method, headers }),
        path,
      );
    const notFound = page("not-found", "/a/b", { accept: html, "accept-language": "de" });
    expect(notFound?.status).toBe(404);
    const text = (await notFound?.text()) ?? "";
    expect(text).toContain("Seite nicht gefunden");
    expect(text).toContain('href="../"');
    const busy = page("rate-limited", "/watch/x", { accept: html });
    expect([busy?.status, busy?.headers.get("retry-after")]).toEqual([429, "2"]);
    expect(page("unavailable", "/", { accept: html })?.status).toBe(503);
    expect(busy?.headers.get("vary")).toContain("accept");
    for (const [code, path, headers, method] of [
      ["not-found", "/nope", { accept: "*/*" }],
      ["not-found", "/nope", {}],
      ["not-found", "/nope", { accept: "application/json" }],
      ["not-found", "/v1/nope", { accept: html }],
      ["not-found", "/assets/gone.js", { accept: html }],
      ["invalid-body", "/nope", { accept: html }],
      ["not-found", "/nope", { accept: html }, "POST"],
    ] as const)
      expect(page(code, path, headers, method), path).toBeUndefined();
  });

  test("name scripts by their content, immutable; the stable names point to them", async () => {
    const text = await (await get("/watch/demo")).text();
    const [script = ""] = /(?<=\.\.)\/assets\/live-comments-[a-z0-9]+\.js/.exec(text) ?? [];
    const response = await get(script, { "accept-encoding": "gzip, br" });
    expect(response.headers.get("content-encoding")).toBe("br");
    expect(response.headers.get("cache-control")).toContain("immutable");
    const tag = response.headers.get("etag") ?? "";
    expect((await get(script, { "if-none-match": tag })).status).toBe(304);
    const pointer = await get("/live-comments.js");
    expect(pointer.headers.get("access-control-allow-origin")).toBe("*");
    const [, target = ""] =
      /^export \* from "\.(\/assets\/live-comments-[a-z0-9]+\.js)";\n$/.exec(
        await pointer.text(),
      ) ?? [];
    expect(text).toContain(`<script type="module" src="..${target}"></script>`);
  });
});

describe("assets", () => {
  const path = "/live-comments.js";

  test("have the coding that the client accepts, and say that they depend on it", async () => {
    for (const [accepted, coding] of [
      ["gzip;q=0", null],
      ["br;q=0, gzip;q=0.5", "gzip"],
      ["br", "br"],
    ] as const) {
      const { status, headers } = await get(path, { "accept-encoding": accepted });
      expect([status, headers.get("content-encoding"), headers.get("vary")]).toEqual([
        200,
        coding,
        "accept-encoding",
      ]);
    }
    const refused = await get(path, { "accept-encoding": "*;q=0" });
    expect([refused.status, refused.headers.get("vary")]).toEqual([406, "accept-encoding"]);
    expect(await refused.json()).toMatchObject({ code: "not-acceptable" });
  });

  test("are 304 to a client that has them, in any form of the header and any coding", async () => {
    const tag = (await get(path)).headers.get("etag")?.replace("W/", "") ?? "";
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, `W/"other",W/${tag}`, "*"]) {
      const answer = await get(path, { "if-none-match": known, "accept-encoding": "br" });
      const { headers } = answer;
      expect([answer.status, await answer.text()]).toEqual([304, ""]);
      expect(headers.get("etag")).toBe(`W/${tag}`);
      expect(headers.get("vary")).toBe("accept-encoding");
      expect(headers.get("cache-control")).toBe("no-cache");
      expect(headers.get("content-encoding")).toBeNull();
    }
    expect((await get(path, { "if-none-match": '"other"' })).status).toBe(200);
  });
});

describe("media", () => {
  test("are served whole and in ranges", async () => {
    const whole = await get("/media/clip.mp4");
    expect(whole.headers.get("accept-ranges")).toBe("bytes");
    expect(await whole.text()).toBe("0123456789");
    const part = await get("/media/clip.mp4", { range: "bytes=2-4" });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      "bytes 2-4/10",
      "234",
    ]);
    const beyond = await get("/media/clip.mp4", { range: "bytes=10-" });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */10"]);
    const other = await get("/media/clip.mp4", { range: "bytes=2-4", "if-range": '"another"' });
    expect([other.status, await other.text()]).toEqual([200, "0123456789"]);
  });

  test("ranges are read as the RFC says, and nonsense is ignored", () => {
    expect(parseRange("bytes=0-", 10)).toEqual({ first: 0, last: 9 });
    expect(parseRange("bytes=-3", 10)).toEqual({ first: 7, last: 9 });
    expect(parseRange("bytes=5-99", 10)).toEqual({ first: 5, last: 9 });
    expect(parseRange("bytes=-0", 10)).toBe("unsatisfiable");
    for (const header of [
      null,
      "bytes=",
      "bytes=-",
      "bytes=4-2",
      "items=0-1",
      "bytes=0-1,3-4",
      "bytes=a-b",
    ])
      expect(parseRange(header, 10)).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), fc.nat(1000), (text, size) => {
        const range = parseRange(`bytes=${text}`, size);
        if (typeof range === "object")
          expect(range.first >= 0 && range.first <= range.last && range.last < size).toBe(true);
      }),
      { interruptAfterTimeLimit: 500 },
    );
  });
});

test("HTML templates escape what they are given, and only that", () => {
  expect(html`<p title="${'"a"'}">${["<", html`<b>${"&"}</b>`, false, undefined]}</p>`.text).toBe(
    '<p title="&#34;a&#34;">&#60;<b>&#38;</b></p>',
  );
  expect(escapeHtml("a`'")).toBe("a&#96;&#39;");
});
