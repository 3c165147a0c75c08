/**
 * A long answer that is read as its client takes it: what a client has yet to take is a position, and
 * no bytes in memory. `http/` gives its buffers back before it waits for the client.
 */

/** Bytes that are read piece by piece, by many answers at once. */
export interface FileSource {
  /** In bytes; what is read never goes beyond. */
  readonly size: number;
  /** Answers how many bytes from `position` on are in `into` now. 0 where the file has become shorter. */
  read(into: Uint8Array, position: number): Promise<number>;
}

export interface SourceAnswerOptions {
  readonly status: number;
  /** Names in lower case, values in ASCII. The length is added by the server. */
  readonly headers: Readonly<Record<string, string>>;
  /** In memory, which all answers share, or in a file. */
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

  /** For servers that know no such answer: a stream that reads when it is asked to. */
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
