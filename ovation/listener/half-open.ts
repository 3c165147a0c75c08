/**
 * Half-open connections: the viewer's battery is empty, no packet of it ever comes again, and Linux
 * by itself resends for a quarter of an hour before it reports that. With TCP_USER_TIMEOUT the
 * connection ends when what was sent (a heartbeat at the latest) stays unacknowledged for as long
 * as we say.
 *
 * Bun has no such option, but accepted sockets inherit it from the one that listens, so it is set
 * there, by the C library. Only on Linux; elsewhere the system's own time holds.
 */

import { FFIType, ptr } from "bun:ffi";
import { readdirSync } from "node:fs";
import { openCLibrary } from "@ovation/http";

/** [spec] Linux: include/uapi/asm-generic/socket.h, include/uapi/linux/tcp.h. */
const SOL_SOCKET = 1;
const SO_ACCEPTCONN = 30;
const IPPROTO_TCP = 6;
const TCP_USER_TIMEOUT = 18;

/** Sets it on every socket of this process that listens now; answers on how many. */
export function endHalfOpenAfter(ms: number): number {
  const library = openCLibrary({
    getsockopt: {
      args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr],
      returns: FFIType.i32,
    },
    setsockopt: {
      args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32],
      returns: FFIType.i32,
    },
  });
  if (library === undefined) return 0;
  const { getsockopt, setsockopt } = library.symbols;
  let listening = 0;
  for (const name of readdirSync("/proc/self/fd")) {
    const descriptor = Number(name);
    const listens = new Int32Array(1);
    const length = new Uint32Array([4]);
    if (
      getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, ptr(listens), ptr(length)) !== 0 ||
      listens[0] !== 1
    )
      continue;
    const timeout = new Uint32Array([ms]);
    // A Unix socket answers that it knows no such option, and needs none.
    if (setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, ptr(timeout), 4) === 0) listening++;
  }
  library.close();
  return listening;
}
