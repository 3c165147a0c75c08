/**
 * One connection that posts one body at a time and waits for the response: cheaper than `fetch`,
 * and it reports when it is cut.
 */

export interface PostConnection {
  /** The peer has closed: nothing was sent on it since its last response. */
  readonly closed: boolean;
  /** The status of the response; rejects where none came. */
  post(body: string): Promise<number>;
  close(): void;
}

export async function openPostConnection(
  url: string,
  path: string,
  token: string,
): Promise<PostConnection> {
  const { hostname, port } = new URL(url);
  let waiting: { resolve(status: number): void; reject(error: Error): void } | undefined;
  let closed = false;
  let rest = "";

  function take(text: string): void {
    rest += text;
    const headEnd = rest.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const length = Number(/content-length: ([0-9]+)/i.exec(rest)?.[1] ?? 0);
    if (rest.length < headEnd + 4 + length) return;
    const status = Number(rest.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length));
    rest = "";
    waiting?.resolve(status);
    waiting = undefined;
  }

  function end(): void {
    closed = true;
    waiting?.reject(new Error("the connection was cut before the response"));
    waiting = undefined;
  }

  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: { data: (_, chunk) => take(chunk.toString("latin1")), close: end, error: end },
  });
  return {
    get closed() {
      return closed;
    },
    post(body) {
      if (closed) return Promise.reject(new Error("the connection is closed"));
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        const head =
          `POST ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ` +
          `${token}\r\nContent-Type: application/json`;
        socket.write(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      });
    },
    close: () => socket.end(),
  };
}
