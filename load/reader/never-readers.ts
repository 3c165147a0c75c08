/**
 * Viewers that connect, send a request, and never read: phones in a pocket, sleeping machines.
 *
 * They are plain descriptors outside the event loop. Their segments and receive buffers are those
 * of a viewer on the internet: with loopback's 64 KB segments the kernel would buffer megabytes
 * before the server noticed. That takes two socket options that Bun's sockets do not offer, hence
 * the calls into libc (Linux).
 */
import {
  AF_INET,
  errorCode,
  IPPROTO_TCP,
  MSG_NOSIGNAL,
  openLibc,
  SO_RCVBUF,
  SOCK_STREAM,
  SOCKET_ADDRESS_BYTES,
  SOL_SOCKET,
  socketAddress,
  TCP_ESTABLISHED,
  TCP_INFO,
  TCP_MAXSEG,
} from "./libc.ts";

const INTERNET_SEGMENT_BYTES = 1400;
const RECEIVE_BUFFER_BYTES = 8 * 1024;
/** Opened between two turns of the event loop. */
const PER_TURN = 32;

export class NeverReaders {
  readonly #files: number[] = [];
  readonly #libc = openLibc();

  /**
   * Opens them one after the other. `host` and `source` are IPv4 addresses. Throws where one cannot
   * be opened.
   */
  async open(
    count: number,
    host: string,
    port: number,
    source: string | undefined,
    request: (index: number) => string,
  ): Promise<void> {
    for (let index = 0; index < count; index++) {
      this.#files.push(this.#openOne(host, port, source, request(index)));
      if (index % PER_TURN === PER_TURN - 1) await Bun.sleep(1);
    }
  }

  #openOne(host: string, port: number, source: string | undefined, request: string): number {
    const libc = this.#libc;
    if (libc === undefined) throw new Error("connections that never read need Linux");
    const file = libc.socket(AF_INET, SOCK_STREAM, 0);
    if (file < 0)
      throw new Error(`no more sockets for connections that never read: ${errorCode(libc)}`);
    libc.setsockopt(file, IPPROTO_TCP, TCP_MAXSEG, Int32Array.of(INTERNET_SEGMENT_BYTES), 4);
    libc.setsockopt(file, SOL_SOCKET, SO_RCVBUF, Int32Array.of(RECEIVE_BUFFER_BYTES), 4);
    if (source !== undefined) libc.bind(file, socketAddress(source, 0), SOCKET_ADDRESS_BYTES);
    const bytes = new TextEncoder().encode(request);
    const connected = libc.connect(file, socketAddress(host, port), SOCKET_ADDRESS_BYTES) === 0;
    if (!connected || libc.send(file, bytes, bytes.length, MSG_NOSIGNAL) !== bytes.length) {
      const code = errorCode(libc);
      libc.close(file);
      throw new Error(`a connection that never reads was refused by ${host}:${port}: ${code}`);
    }
    return file;
  }

  /** How many the server has closed. */
  closed(): number {
    const libc = this.#libc;
    if (libc === undefined) return 0;
    const info = new Uint8Array(4);
    const state = (file: number) => {
      libc.getsockopt(file, IPPROTO_TCP, TCP_INFO, info, Uint32Array.of(info.length));
      return info[0];
    };
    return this.#files.filter((file) => state(file) !== TCP_ESTABLISHED).length;
  }

  end(): void {
    for (const file of this.#files) this.#libc?.close(file);
    this.#files.length = 0;
  }
}
