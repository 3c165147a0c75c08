/**
 * The C library's sockets and epoll, for what Bun's sockets lack: kernel options, and reads without
 * allocation (Linux). A call costs some 5 ns on top of the kernel's work.
 */
import { dlopen, read } from "bun:ffi";
import { constants } from "node:os";

const LIBRARIES = [
  "libc.so.6",
  `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`,
];

/**
 * [spec] Linux: include/linux/socket.h, include/uapi/asm-generic/socket.h, include/uapi/linux/in.h,
 * tcp.h.
 */
export const AF_INET = 2;
export const SOCK_STREAM = 1;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const SO_RCVBUF = 8;
export const SO_LINGER = 13;
export const IPPROTO_IP = 0;
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const IPPROTO_TCP = 6;
export const TCP_MAXSEG = 2;
export const TCP_INFO = 11;
export const MSG_NOSIGNAL = 0x4000;
/** tcpi_state in `struct tcp_info`: established. */
export const TCP_ESTABLISHED = 1;
export const SOCKET_ADDRESS_BYTES = 16;

export type Libc = NonNullable<ReturnType<typeof openLibc>>;

/** `undefined` on a system without a known one. */
export function openLibc() {
  if (process.platform !== "linux") return undefined;
  for (const library of LIBRARIES) {
    try {
      return dlopen(library, {
        socket: { args: ["i32", "i32", "i32"], returns: "i32" },
        bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
        connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
        setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
        getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
        // ssize_t, but all transfers here fit into 32 bits, and an i64 would arrive as a BigInt.
        send: { args: ["i32", "ptr", "u64", "i32"], returns: "i32" },
        recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i32" },
        close: { args: ["i32"], returns: "i32" },
        epoll_create1: { args: ["i32"], returns: "i32" },
        epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
        epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
        usleep: { args: ["u32"], returns: "i32" },
        __errno_location: { args: [], returns: "ptr" },
      }).symbols;
    } catch {
      // Another C library has another name: try the next one.
    }
  }
  return undefined;
}

/** The error of the last call, as `ECONNREFUSED`. Only right after the call. */
export function errorCode(libc: Libc): string {
  const location = libc.__errno_location();
  return location === null ? "EIO" : nameOfError(read.i32(location));
}

/**
 * The error of a pending connect on a socket that became writable or broken; `undefined`: it is
 * connected.
 */
export function connectError(libc: Libc, file: number): string | undefined {
  const error = new Int32Array(1);
  libc.getsockopt(file, SOL_SOCKET, SO_ERROR, error, Uint32Array.of(error.byteLength));
  return error[0] === 0 ? undefined : nameOfError(error[0] ?? 0);
}

/** Where a number has two names (`EAGAIN`, `EWOULDBLOCK`) the first in the table counts. */
const ERROR_NAMES = new Map(
  Object.entries(constants.errno)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

function nameOfError(number: number): string {
  return ERROR_NAMES.get(number) ?? `errno ${number}`;
}

/** `struct sockaddr_in` of an IPv4 address. */
export function socketAddress(address: string, port: number): Uint8Array {
  const parts = address.split(".").map(Number);
  return Uint8Array.of(AF_INET, 0, port >> 8, port & 255, ...parts, 0, 0, 0, 0, 0, 0, 0, 0);
}
