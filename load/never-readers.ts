/**
 * Viewers that connect, ask, and never read: phones in a pocket, machines that sleep.
 *
 * They are plain file descriptors and no event loop looks at them. Their segments and receive buffers are those of a
 * viewer on the internet: with loopback's 64 KB segments the kernel would take megabytes before the server noticed. That
 * takes two socket options that Bun's sockets do not offer, hence the calls into libc (Linux).
 */
import { dlopen, ptr } from "bun:ffi";

const LIBRARIES = ["libc.so.6", "libc.so"];
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const IPPROTO_TCP = 6;
const TCP_MAXSEG = 2;
const TCP_INFO = 11;
const MSG_NOSIGNAL = 0x4000;
/** tcpi_state in `struct tcp_info`: established. */
const TCP_ESTABLISHED = 1;

const INTERNET_SEGMENT_BYTES = 1400;
const RECEIVE_BUFFER_BYTES = 8 * 1024;
/** Opened between two turns of the event loop. */
const PER_TURN = 32;

function loadLibrary() {
  for (const library of LIBRARIES) {
    try {
      return dlopen(library, {
        socket: { args: ["i32", "i32", "i32"], returns: "i32" },
        bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
        connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
        setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
        getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
        send: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
        close: { args: ["i32"], returns: "i32" },
      }).symbols;
    } catch {
      // Another C library has another name: the next one.
    }
  }
  return undefined;
}

export class NeverReaders {
  readonly #files: number[] = [];
  readonly #libc = process.platform === "linux" ? loadLibrary() : undefined;

  /** Opens them one after the other. `host` and `source` are IPv4 addresses. Throws where one cannot be opened. */
  async open(count: number, host: string, port: number, source: string | undefined, request: (index: number) => string): Promise<void> {
    for (let index = 0; index < count; index++) {
      this.#files.push(this.#openOne(host, port, source, request(index)));
      if (index % PER_TURN === PER_TURN - 1) await Bun.sleep(1);
    }
  }

  #openOne(host: string, port: number, source: string | undefined, request: string): number {
    const libc = this.#libc;
    if (libc === undefined) throw new Error("connections that never read need Linux");
    const file = libc.socket(AF_INET, SOCK_STREAM, 0);
    if (file < 0) throw new Error("no more sockets for connections that never read");
    libc.setsockopt(file, IPPROTO_TCP, TCP_MAXSEG, ptr(Int32Array.of(INTERNET_SEGMENT_BYTES)), 4);
    libc.setsockopt(file, SOL_SOCKET, SO_RCVBUF, ptr(Int32Array.of(RECEIVE_BUFFER_BYTES)), 4);
    if (source !== undefined) libc.bind(file, ptr(socketAddress(source, 0)), 16);
    const bytes = new TextEncoder().encode(request);
    const connected = libc.connect(file, ptr(socketAddress(host, port)), 16) === 0;
    if (!connected || Number(libc.send(file, ptr(bytes), bytes.length, MSG_NOSIGNAL)) !== bytes.length) {
      libc.close(file);
      throw new Error(`a connection that never reads was refused by ${host}:${port}`);
    }
    return file;
  }

  /** How many the server has closed. */
  closed(): number {
    const libc = this.#libc;
    if (libc === undefined) return 0;
    const info = new Uint8Array(4);
    const state = (file: number) => {
      libc.getsockopt(file, IPPROTO_TCP, TCP_INFO, ptr(info), ptr(Uint32Array.of(info.length)));
      return info[0];
    };
    return this.#files.filter((file) => state(file) !== TCP_ESTABLISHED).length;
  }

  end(): void {
    for (const file of this.#files) this.#libc?.close(file);
    this.#files.length = 0;
  }
}

/** `struct sockaddr_in`. */
function socketAddress(address: string, port: number): Uint8Array {
  const parts = address.split(".").map(Number);
  return Uint8Array.of(AF_INET, 0, port >> 8, port & 255, ...parts, 0, 0, 0, 0, 0, 0, 0, 0);
}
