/**
 * Sockets by epoll and `recv` into one buffer, called in the C library: as a reader in C, at about
 * its cost.
 *
 * The process still has its event loop: a turn here ends after a few milliseconds, or when nothing
 * comes for a while, and timers and messages have theirs. An idle turn sleeps in the kernel.
 *
 *     turn:  wait ▶ round of reads ▶ roundEnded ▶ (pause) ▶ wait ▶ … ▶ setImmediate(turn)
 */
import { ptr } from "bun:ffi";
import {
  AF_INET,
  connectError,
  errorCode,
  IP_BIND_ADDRESS_NO_PORT,
  IPPROTO_IP,
  type Libc,
  MSG_NOSIGNAL,
  SO_LINGER,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOCKET_ADDRESS_BYTES,
  SOL_SOCKET,
  socketAddress,
} from "./libc.ts";
import type { ReaderSocket, SocketHandlers, Sockets } from "./sockets.ts";

/** [spec] Linux: include/uapi/linux/eventpoll.h. */
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_MOD = 3;
const EPOLLIN = 0x1;
const EPOLLOUT = 0x4;
const EPOLLERR = 0x8;
const EPOLLHUP = 0x10;
const EPOLLRDHUP = 0x2000;
const EPOLLET = 0x80000000;
/**
 * Edge-triggered, for all events at once: "writable" is reported at connect and not with each read.
 */
const INTEREST = (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0;
const HUNG_UP = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
/**
 * [spec] `struct epoll_event` is packed on x86-64 only. In 32-bit words, and the offset of its
 * data.
 */
const EVENT_WORDS = process.arch === "x64" ? 3 : 4;
const DATA_WORD = EVENT_WORDS - 2;

/** Longer than what usually waits in a socket: one read empties it. */
const BUFFER_BYTES = 64 * 1024;
/**
 * Consecutive reads of one socket that fills its buffer every time; then the others have their
 * turn.
 */
const READS_IN_A_ROW_MAX = 16;
/** Reads of one round get one time stamp: about 0.3 ms of reads at most. */
const ROUND_READS_MAX = 64;
/** How long the event loop may wait for its turn, and how long an idle turn sleeps. */
const TURN_MS = 5;
/**
 * A turn with this many reads (10,000/s) is busy: a small round ends with a pause, which the next
 * reads' latency includes.
 */
const BUSY_TURN_READS = 50;
const SMALL_ROUND_READS = 16;
const PAUSE_US = 200;

export class EpollSockets<Owner> implements Sockets<Owner> {
  readonly #libc: Libc;
  readonly #address: Uint8Array;
  readonly #handlers: SocketHandlers<Owner>;
  readonly #poll: number;
  readonly #events = new Uint32Array(ROUND_READS_MAX * EVENT_WORDS);
  readonly #eventsAt = ptr(this.#events);
  readonly #interest = new Uint32Array(EVENT_WORDS);
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  readonly #bufferAt = ptr(this.#buffer);
  /** By file descriptor. */
  readonly #sockets: (EpollSocket<Owner> | undefined)[] = [];
  #open = 0;
  #generation = 0;
  #turning = false;
  #ended = false;

  constructor(libc: Libc, host: string, port: number, handlers: SocketHandlers<Owner>) {
    this.#libc = libc;
    this.#address = socketAddress(host, port);
    this.#handlers = handlers;
    this.#poll = libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.#poll < 0) throw new Error(`epoll: ${errorCode(libc)}`);
  }

  connect(owner: Owner, source: string | undefined): ReaderSocket {
    this.#generation = (this.#generation + 1) >>> 0;
    const socket = new EpollSocket(owner, this.#generation, this.#libc, (closing, failure) =>
      this.#close(closing, failure),
    );
    const failure = this.#begin(socket, source);
    if (failure !== undefined) queueMicrotask(() => this.#close(socket, failure));
    if (!this.#turning) {
      this.#turning = true;
      setImmediate(this.#turn);
    }
    return socket;
  }

  end(): void {
    if (!this.#ended) this.#libc.close(this.#poll);
    this.#ended = true;
  }

  /** Returns the error, if any. */
  #begin(socket: EpollSocket<Owner>, source: string | undefined): string | undefined {
    const libc = this.#libc;
    const file = libc.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0) return errorCode(libc);
    socket.file = file;
    this.#sockets[file] = socket;
    this.#open++;
    if (source !== undefined) {
      // The port is chosen at connect, for this server alone: otherwise each could serve one socket
      // of the address only.
      libc.setsockopt(file, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, Int32Array.of(1), 4);
      if (libc.bind(file, socketAddress(source, 0), SOCKET_ADDRESS_BYTES) !== 0)
        return errorCode(libc);
    }
    if (libc.connect(file, this.#address, SOCKET_ADDRESS_BYTES) !== 0) {
      const code = errorCode(libc);
      if (code !== "EINPROGRESS") return code;
    }
    return this.#watch(EPOLL_CTL_ADD, socket);
  }

  #watch(operation: number, socket: EpollSocket<Owner>): string | undefined {
    this.#interest[0] = INTEREST;
    this.#interest[DATA_WORD] = socket.file;
    this.#interest[DATA_WORD + 1] = socket.generation;
    return this.#libc.epoll_ctl(this.#poll, operation, socket.file, this.#interest) === 0
      ? undefined
      : errorCode(this.#libc);
  }

  readonly #turn = (): void => {
    const untilMs = performance.now() + TURN_MS;
    let inTurn = 0;
    while (!this.#ended && this.#open > 0) {
      const ready = this.#round();
      if (ready === 0 || performance.now() >= untilMs) break;
      inTurn += ready;
      // Hot path: a server writes to one viewer after the other, and a reader that keeps up is put
      // to sleep and woken for each of them: 0.4 µs a read here, and as much for the server. As
      // network cards do under load, let some gather.
      if (inTurn >= BUSY_TURN_READS && ready < SMALL_ROUND_READS) this.#libc.usleep(PAUSE_US);
    }
    this.#turning = !this.#ended && this.#open > 0;
    if (this.#turning) setImmediate(this.#turn);
  };

  /** Waits for readable sockets and reads them. Returns how many. */
  #round(): number {
    const ready = this.#libc.epoll_wait(this.#poll, this.#eventsAt, ROUND_READS_MAX, TURN_MS);
    const events = this.#events;
    // Below 0: a signal came, which the event loop handles.
    for (let at = 0; at < ready * EVENT_WORDS; at += EVENT_WORDS) {
      const socket = this.#sockets[events[at + DATA_WORD] ?? 0];
      // Closed earlier in this round, and its descriptor perhaps reused.
      if (socket === undefined || socket.generation !== events[at + DATA_WORD + 1]) continue;
      const flags = events[at] ?? 0;
      if (!socket.opened && !this.#opens(socket)) continue;
      if (socket.unsent !== undefined) socket.flush();
      if ((flags & (EPOLLIN | HUNG_UP)) !== 0) this.#read(socket, (flags & HUNG_UP) !== 0);
    }
    if (ready > 0) this.#handlers.roundEnded();
    return Math.max(0, ready);
  }

  #opens(socket: EpollSocket<Owner>): boolean {
    const failure = connectError(this.#libc, socket.file);
    if (failure !== undefined) {
      this.#close(socket, failure);
      return false;
    }
    socket.opened = true;
    this.#handlers.opened(socket.owner);
    return !socket.closed;
  }

  /**
   * Hot path: for each read one `recv` and one call, and no allocation. A read that does not fill
   * the buffer has emptied the socket, so it is not read again, except where the end is already
   * announced.
   */
  #read(socket: EpollSocket<Owner>, toTheEnd: boolean): void {
    for (let reads = 0; reads < READS_IN_A_ROW_MAX; reads++) {
      const length = this.#libc.recv(socket.file, this.#bufferAt, BUFFER_BYTES, 0);
      if (length <= 0) {
        if (length < 0 && errorCode(this.#libc) === "EAGAIN") return;
        this.#close(socket, undefined);
        return;
      }
      this.#handlers.received(socket.owner, this.#buffer, length);
      if (socket.closed || (length < BUFFER_BYTES && !toTheEnd)) return;
    }
    // Setting the same interest again makes an event of the rest.
    this.#watch(EPOLL_CTL_MOD, socket);
  }

  #close(socket: EpollSocket<Owner>, failure: string | undefined): void {
    if (socket.closed) return;
    socket.closed = true;
    socket.unsent = undefined;
    if (socket.file >= 0) {
      // Closing removes it from epoll as well.
      this.#libc.close(socket.file);
      this.#sockets[socket.file] = undefined;
      this.#open--;
    }
    this.#handlers.closed(socket.owner, failure);
  }
}

class EpollSocket<Owner> implements ReaderSocket {
  readonly owner: Owner;
  readonly generation: number;
  readonly #libc: Libc;
  readonly #close: (socket: EpollSocket<Owner>, failure: string | undefined) => void;
  file = -1;
  opened = false;
  closed = false;
  unsent: Buffer | undefined;

  constructor(
    owner: Owner,
    generation: number,
    libc: Libc,
    close: (socket: EpollSocket<Owner>, failure: string | undefined) => void,
  ) {
    this.owner = owner;
    this.generation = generation;
    this.#libc = libc;
    this.#close = close;
  }

  write(text: string): void {
    this.unsent = Buffer.from(text);
    this.flush();
  }

  /** Again when the kernel has room. Errors while sending are found by reading. */
  flush(): void {
    if (this.unsent === undefined || this.closed) return;
    const sent = Math.max(
      0,
      this.#libc.send(this.file, this.unsent, this.unsent.length, MSG_NOSIGNAL),
    );
    this.unsent = sent === this.unsent.length ? undefined : this.unsent.subarray(sent);
  }

  end(): void {
    this.#close(this, undefined);
  }

  terminate(): void {
    // [spec] socket(7): lingering for 0 seconds resets the connection.
    if (this.file >= 0 && !this.closed)
      this.#libc.setsockopt(this.file, SOL_SOCKET, SO_LINGER, Int32Array.of(1, 0), 8);
    this.#close(this, undefined);
  }
}
