/** Serves the files of one directory with byte ranges, which players need to seek. */

import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type FileSource,
  type HttpRequest,
  type Route,
  type RouteAnswer,
  SourceAnswer,
  TextAnswer,
} from "@ovation/protocol";
import { hasVersion } from "./conditions.ts";

const TYPES: Readonly<Record<string, string>> = {
  mp4: "video/mp4",
  webm: "video/webm",
  jpg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  vtt: "text/vtt; charset=utf-8",
};

interface MediaFile {
  readonly type: string;
  readonly tag: string;
  readonly source: FileSource;
}

/** Opened when it is first read, and then kept: a file descriptor for all answers, not for each. */
class KeptFile implements FileSource {
  readonly size: number;
  readonly #path: string;
  #handle: Promise<FileHandle> | undefined;

  constructor(path: string, size: number) {
    this.#path = path;
    this.size = size;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const length = Math.min(into.length, this.size - position);
    this.#handle ??= open(this.#path);
    try {
      const { bytesRead } = await (await this.#handle).read(into, 0, length, position);
      return bytesRead;
    } catch (error) {
      // The next answer tries to open it again.
      this.#handle = undefined;
      throw error;
    }
  }
}

/** The files by name, listed at the start: no path is ever built from a request. */
async function listMedia(directory: string): Promise<ReadonlyMap<string, MediaFile>> {
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
      type,
      source: new KeptFile(path, size),
      tag: `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`,
    });
  }
  return files;
}

/** The route of `/media/`; `otherwise` answers for a file that is not there. */
export async function createMediaRoute(
  directory: string,
  otherwise: (request: HttpRequest) => RouteAnswer | Promise<RouteAnswer>,
): Promise<Route> {
  const files = await listMedia(directory);
  return {
    method: "GET",
    path: "/media/:file",
    handle(request, { params }) {
      const file = files.get(params["file"] ?? "");
      return file === undefined ? otherwise(request) : serveMedia(file, request);
    },
  };
}

function serveMedia({ source, type, tag }: MediaFile, request: HttpRequest): RouteAnswer {
  const { size } = source;
  const common = {
    "accept-ranges": "bytes",
    "cache-control": "public, max-age=3600",
    "x-content-type-options": "nosniff",
    etag: tag,
  };
  if (hasVersion(request, tag)) return new TextAnswer("", 304, common);
  const headers = { ...common, "content-type": type };
  const range = rangeOf(request, tag, size);
  if (range === undefined) return new SourceAnswer({ status: 200, headers, source });
  if (range === "unsatisfiable")
    return new TextAnswer("", 416, { ...common, "content-range": `bytes */${size}` });
  const { first, last } = range;
  return new SourceAnswer({
    status: 206,
    headers: { ...headers, "content-range": `bytes ${first}-${last}/${size}` },
    source,
    first,
    length: last - first + 1,
  });
}

/** What of the file is asked for, with its conditions. */
function rangeOf(request: HttpRequest, tag: string, size: number): ReturnType<typeof parseRange> {
  // [spec] RFC 9110, 14.2: a range is GET's alone.
  if (request.method !== "GET") return undefined;
  // [spec] RFC 9110, 13.1.5: with another version, the whole of the new one. Weak tags never match.
  const condition = request.headers.get("if-range")?.trim();
  if (condition !== undefined && condition !== tag) return undefined;
  return parseRange(request.headers.get("range"), size);
}

/**
 * One range of bytes, both ends inclusive; `undefined` where there is none, or an ignorable one.
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
