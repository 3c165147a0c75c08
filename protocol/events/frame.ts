/**
 * Server-sent events on the wire, both ways.
 *
 * [spec] https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

import type { Event } from "./event.ts";

/**
 * EventSource dispatches these itself: an event with such a name runs the page's `onerror` or
 * `onopen`, and most pages then reconnect for ever.
 */
const EVENT_SOURCE_TYPES: ReadonlySet<string> = new Set(["error", "open"]);

/**
 * One event. `id`, `type` and `json`, the text of a non-empty object, contain no CR, LF or NUL:
 * that is checked where they enter. A type that EventSource uses itself is sent inside `data`.
 */
export function formatFrame(id: string, type: string, json: string): string {
  if (EVENT_SOURCE_TYPES.has(type))
    return `id: ${id}\ndata: {"type":"${type}",${json.slice(1)}\n\n`;
  return `id: ${id}\nevent: ${type}\ndata: ${json}\n\n`;
}

/** The `data:` of an event, as clients see it. `event.data` is already JSON text. */
export function formatEnvelope(event: Event): string {
  const seq = event.place === undefined ? "" : `,"seq":${event.place.seq}`;
  return `{"topic":"${event.topic}"${seq},"at":${event.at},"data":${event.data}}`;
}

/** A comment line: ignored by the application, shows both ends that the connection is alive. */
export function formatComment(text: string): string {
  return `: ${text}\n\n`;
}

/**
 * Asks one client to return later: `retry:` for a browser's own EventSource, the event for
 * programs. Without an id: the client keeps its position.
 */
export function formatReconnect(afterMs: number, reason: string): string {
  const wait = Math.max(1, Math.round(afterMs));
  return `retry: ${wait}\nevent: reconnect\ndata: {"afterMs":${wait},"reason":"${reason}"}\n\n`;
}

/** One event as a reader receives it. */
export interface Message {
  readonly type: string;
  readonly data: string;
  /** The last id so far, as EventSource has it. */
  readonly lastEventId: string;
}

export interface FrameReaderCallbacks {
  onMessage(message: Message): void;
  onRetry?(ms: number): void;
  onComment?(text: string): void;
}

export interface FrameReader {
  feed(chunk: string): void;
}

const LF = 10;
const CR = 13;
const BYTE_ORDER_MARK = 0xfeff;

/** [spec] If value starts with a U+0020 SPACE character, remove it from value. */
function valueAfter(text: string, colon: number): string {
  return text.slice(text.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
}

/**
 * Reads a stream that arrives in chunks of any size. The caller decodes UTF-8 first. Throws when
 * one unfinished event exceeds `bufferCharactersMax`: no server of ours sends that.
 */
export function createFrameReader(
  callbacks: FrameReaderCallbacks,
  bufferCharactersMax = 1024 * 1024,
): FrameReader {
  let rest = "";
  let data = "";
  let hasData = false;
  let type = "";
  let lastEventId = "";
  let first = true;
  /** The text so far ends with a CR, which an LF may follow. */
  let endedByCr = false;

  function dispatch(): void {
    // [spec] If the data buffer is an empty string, set the data buffer and the event type buffer
    // to the empty string and return. (The id is kept.)
    if (hasData)
      callbacks.onMessage({
        type: type === "" ? "message" : type,
        data: data.slice(0, -1),
        lastEventId,
      });
    data = "";
    hasData = false;
    type = "";
  }

  function line(text: string): void {
    if (text === "") {
      dispatch();
      return;
    }
    const colon = text.indexOf(":");
    // [spec] If the line starts with a U+003A COLON character: ignore the line.
    if (colon === 0) {
      callbacks.onComment?.(text.slice(text.startsWith(": ") ? 2 : 1));
      return;
    }
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : valueAfter(text, colon);
    if (field === "data") {
      data += `${value}\n`;
      hasData = true;
    } else if (field === "event") {
      type = value;
    } else if (field === "id") {
      // [spec] If the field value does not contain U+0000 NULL, then set the last event ID buffer.
      if (!value.includes("\0")) lastEventId = value;
    } else if (field === "retry" && /^[0-9]+$/.test(value)) {
      callbacks.onRetry?.(Number(value));
    }
  }

  return {
    feed(chunk) {
      if (chunk === "") return;
      // [spec] One leading U+FEFF BYTE ORDER MARK is ignored; an LF behind a CR ends no further
      // line.
      const isSkipped = first
        ? chunk.charCodeAt(0) === BYTE_ORDER_MARK
        : endedByCr && chunk.charCodeAt(0) === LF;
      first = false;
      endedByCr = false;
      const text = rest + (isSkipped ? chunk.slice(1) : chunk);
      let start = 0;
      for (let index = rest.length; index < text.length; index++) {
        const unit = text.charCodeAt(index);
        if (unit !== LF && unit !== CR) continue;
        line(text.slice(start, index));
        if (unit === CR && index + 1 === text.length) endedByCr = true;
        else if (unit === CR && text.charCodeAt(index + 1) === LF) index++;
        start = index + 1;
      }
      rest = text.slice(start);
      if (rest.length + data.length > bufferCharactersMax)
        throw new Error("an event is longer than the reader's limit");
    },
  };
}
