/** Random names. `crypto.randomUUID` needs a secure context, which pages on a LAN lack. */

import { tried } from "./tried.ts";

/** `bytes` random bytes in hex. Ids are no secrets: without `crypto`, Math.random suffices. */
export function randomText(bytes: number): string {
  const values =
    tried(() => crypto.getRandomValues(new Uint8Array(bytes))) ??
    Uint8Array.from({ length: bytes }, () => Math.random() * 256);
  return Array.from(values, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
