/** `/sdk.js`: the SDK for pages without a bundler. Its default server is the one that served it. */

import { type Client, type ClientOptions, createClient as create } from "@ovation/client";
import { serverOf } from "../element/server-base.ts";

export * from "@ovation/client";
export { createMembers } from "@ovation/client/members";

export function createClient(options: ClientOptions = {}): Client {
  return create({ ...options, url: options.url ?? serverOf(import.meta.url) });
}
