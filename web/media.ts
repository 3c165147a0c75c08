/** Serves the files of one directory with byte ranges, which players need to seek. */

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { HttpRequest } from "@ovation/protocol";

const TYPES: Readonly<Record<string, string>> = {
  mp4: "video/mp4",
  webm: "video/webm",
  jpg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  vtt: "text/vtt; charset=utf-8",
};

interface MediaFile {
  readonly path: string;
  readonly type: string;
  readonly size: number;
  readonly tag: string;
}

/** The files by name. Read once: what is not listed at the start is not served, so no path is ever made from a request. */
export async function listMedia(directory: string): Promise<ReadonlyMap<string, MediaFile>> {
  const files = new Map<string, MediaFile>();
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  for (const name of names) {
    const type = TYPES[name.split(".").at(-1) ?? ""];
    if (type === undefined) continue;
    const path = join(directory, name);
    const { size, mtimeMs } = await stat(path);
    files.set(name, {
      path,
      type,
      size,
      tag: `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`,
    });
  }
  return files;
}

export function serveMedia(file: MediaFile, request: HttpRequest): Response {
  const { path, type, size, tag } = file;
  const headers = {
    "content-type": type,
    "accept-ranges": "bytes",
    "cache-control": "public, max-age=3600",
    "x-content-type-options": "nosniff",
    etag: tag,
  };
  if (request.headers.get("if-none-match") === tag)
    return new Response(null, { status: 304, headers });
  // [spec] RFC 9110, 13.1.5: If-Range with another version: the whole of the new one.
  const condition = request.headers.get("if-range");
  const range =
    condition !== null && condition !== tag
      ? undefined
      : parseRange(request.headers.get("range"), size);
  if (range === undefined)
    return new Response(Bun.file(path).slice(0, size), {
      headers: { ...headers, "content-length": String(size) },
    });
  if (range === "unsatisfiable")
    return new Response(null, {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${size}` },
    });
  const { first, last } = range;
  return new Response(Bun.file(path).slice(first, last + 1), {
    status: 206,
    headers: {
      ...headers,
      "content-range": `bytes ${first}-${last}/${size}`,
      "content-length": String(last - first + 1),
    },
  });
}

/**
 * One range of bytes, both ends inclusive; `undefined` where there is none, or one that may be ignored.
 *
 * [spec] RFC 9110, 14.1.2: first-last, first-, or -suffix.
 */
export function parseRange(
  header: string | null,
  size: number,
): { first: number; last: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  const [, from = "", to = ""] = match ?? [];
  if (match === null || (from === "" && to === "")) return undefined;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && from !== "" && Number(to) < Number(from)) return undefined;
  return first < size && first <= last ? { first, last } : "unsatisfiable";
}
