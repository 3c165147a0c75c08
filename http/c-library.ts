/** The C library of this system, for calls that Bun has no name for. */

import { dlopen, type FFIFunction } from "bun:ffi";

const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** `undefined` where the system is not Linux, or its C library is none of those above. */
export function openCLibrary<Symbols extends Record<string, FFIFunction>>(symbols: Symbols) {
  if (process.platform !== "linux") return undefined;
  for (const name of LIBRARIES) {
    try {
      return dlopen(name, symbols);
    } catch {
      // Another C library has another name: the next one.
    }
  }
  return undefined;
}
