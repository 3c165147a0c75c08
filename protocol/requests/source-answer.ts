/**
 * A long response that is read as its client receives it: what remains to be sent is a position,
 * and no bytes in memory. `http/` returns its buffers before it waits for the client.
 */

/** Bytes that are read piece by piece, by many responses at once. */
export interface FileSource {
  /** In bytes; reads never go beyond. */
  readonly size: number;
  /**
   * Reads into `into` from `position` on and returns how many bytes. 0 where the file has become
   * shorter.
   */
  read(into: Uint8Array, position: number): Promise<number>;
}

export interface SourceAnswerOptions {
  readonly status: number;
  /** Names in lower case, values in ASCII. The server adds the length. */
  readonly headers: Readonly<Record<string, string>>;
  /** In memory, which all responses share, or in a file. */
  readonly source: Uint8Array<ArrayBuffer> | FileSource;
  /** The part of the source that is the body. Default: all of it. */
  readonly first?: number;
  readonly length?: number;
}

const PIECE_BYTES = 64 * 1024;

export class SourceAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly source: Uint8Array<ArrayBuffer> | FileSource;
  readonly first: number;
  readonly length: number;

  constructor({ status, headers, source, first = 0, length }: SourceAnswerOptions) {
    this.status = status;
    this.headers = headers;
    this.source = source;
    this.first = first;
    this.length = length ?? (source instanceof Uint8Array ? source.length : source.size) - first;
  }

  withHeaders(more: Readonly<Record<string, string>>): SourceAnswer {
    const { headers, ...rest } = this;
    return new SourceAnswer({ ...rest, headers: { ...headers, ...more } });
  }

  /** For servers without such a response: a stream that reads on demand. */
  toResponse(): Response {
    const { status, source, first, length } = this;
    const headers = { ...this.headers, "content-length": String(length) };
    if (source instanceof Uint8Array)
      return new Response(source.subarray(first, first + length), { status, headers });
    let sent = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const piece = new Uint8Array(Math.min(PIECE_BYTES, length - sent));
          const read = piece.length === 0 ? 0 : await source.read(piece, first + sent);
          sent += read;
          if (read > 0) controller.enqueue(piece.subarray(0, read));
          else if (sent < length) controller.error(new Error("the file has become shorter"));
          if (sent === length) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body, { status, headers });
  }
}
