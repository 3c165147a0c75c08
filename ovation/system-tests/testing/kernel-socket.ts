/**
 * A TCP socket straight from the C library: one that reads a single byte when it is told to, has a
 * small window, or whose packets vanish, which no socket of the runtime can be made to do.
 */

import { dlopen, FFIType, ptr } from "bun:ffi";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_ATTACH_FILTER = 26;
const MSG_DONTWAIT = 0x40;

const { symbols } = dlopen("libc.so.6", {
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  connect: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  setsockopt: {
    args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32],
    returns: FFIType.i32,
  },
  send: { args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i64 },
  recv: { args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i64 },
  close: { args: [FFIType.i32], returns: FFIType.i32 },
});

export class KernelSocket {
  readonly #descriptor: number;

  /** Connected to 127.0.0.1. */
  constructor(port: number) {
    this.#descriptor = symbols.socket(AF_INET, SOCK_STREAM, 0);
    const small = new Int32Array([4096]);
    symbols.setsockopt(this.#descriptor, SOL_SOCKET, SO_RCVBUF, ptr(small), 4);
    // struct sockaddr_in: family (host order), port (network order), address, padding.
    const address = new Uint8Array(16);
    address.set([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1]);
    if (symbols.connect(this.#descriptor, ptr(address), address.length) !== 0)
      throw new Error("could not connect");
  }

  send(text: string): void {
    const bytes = Buffer.from(text);
    if (Number(symbols.send(this.#descriptor, ptr(bytes), bytes.length, 0)) !== bytes.length)
      throw new Error("could not send");
  }

  /**
   * How many of `bytes` there were; 0 at the end, -1 where there is nothing now, or the connection
   * was reset.
   */
  read(bytes: number): number {
    const buffer = new Uint8Array(bytes);
    return Number(symbols.recv(this.#descriptor, ptr(buffer), bytes, MSG_DONTWAIT));
  }

  /**
   * From now on every packet to this socket is dropped below TCP, unacknowledged: to the other end
   * it is as if the machine had lost its network. (A socket filter of one instruction: take 0
   * bytes.)
   */
  vanish(): void {
    const instruction = new Uint8Array(8);
    instruction[0] = 0x06; // BPF_RET | BPF_K, k = 0
    const program = new DataView(new ArrayBuffer(16));
    program.setUint16(0, 1, true);
    program.setBigUint64(8, BigInt(ptr(instruction)), true);
    const done = symbols.setsockopt(
      this.#descriptor,
      SOL_SOCKET,
      SO_ATTACH_FILTER,
      ptr(program.buffer),
      16,
    );
    if (done !== 0) throw new Error("could not attach the filter");
  }

  close(): void {
    symbols.close(this.#descriptor);
  }
}
