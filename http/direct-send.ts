/**
 * `send(2)` straight from the C library, for the same bytes to many sockets: by descriptor, so that
 * no object of a connection is touched. Bun's `socket.write` reaches the same system call by a
 * longer path.
 *
 * Only while nothing is buffered before the bytes (`EventStream.descriptor`); the rest is sent
 * through the socket itself, which knows when it can take more.
 */

import { FFIType, ptr } from "bun:ffi";
import type { DirectSender } from "@ovation/protocol";
import { openCLibrary } from "./c-library.ts";

/** [spec] Linux: include/linux/socket.h. */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/**
 * Undefined where the system is not Linux, or its C library is not found (`c-library.ts`): then
 * sockets are written to one by one.
 */
export function createDirectSender(): DirectSender | undefined {
  const library = openCLibrary({
    send: { args: [FFIType.i32, FFIType.ptr, FFIType.u64_fast, FFIType.i32], returns: FFIType.i32 },
  });
  if (library === undefined) return undefined;
  const { send } = library.symbols;
  return {
    aim(bytes) {
      const address = ptr(bytes);
      // The bytes stay alive while they are referenced: this function holds them.
      return (descriptor) =>
        Math.max(0, send(descriptor, address, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL));
    },
  };
}
