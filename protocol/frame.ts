/**
 * Server-sent events on the wire, both ways.
 *
 * [spec] https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

import type { Event } from "./event.ts";

/**
 * EventSource dispatches these itself: an event of the stream with such a name runs the page's
 * `onerror` or `onopen`, and most pages reconnect then, for ever.
 */
const EVENT_SOURCE_TYPES: ReadonlySet<string> = new Set(["error", "open"]);

/**
 * One event. `id`, `type` and `json`, the text of an object that is not empty, hold no CR, LF or NUL:
 * that is checked where they enter. A type that EventSource uses itself is sent inside `data`.
 */
export function formatFrame(id: string, type: string, json: string): string {
  if (EVENT_SOURCE_TYPES.has(type))
    return `id: ${id}\ndata: {"type":"${type}",${json.slice(1)}\n\n`;
  return `id: ${id}\nevent: ${type}\ndata: ${json}\n\n`;
}

/** The `data:` of an event, as clients see it. `event.data` is JSON text already. */
export function formatEnvelope(event: Event): string {
  const seq = event.place === undefined ? "" : `,"seq":${event.place.seq}`;
  return `{"topic":"${event.topic}"${seq},"at":${event.at},"data":${event.data}}`;
}

/** A comment line: nothing for the application, proof of life for both ends. */
export function formatComment(text: string): string {
  return `: ${text}\n\n`;
}

/**
 * Asks one client to come back later: `retry:` for a browser's own EventSource, the event for programs.
 * Without an id: the client keeps its position.
 */
export function formatReconnect(afterMs: number, reason: string): string {
  const wait = Math.max(1, Math.round(afterMs));
  return `retry: ${wait}\nevent: reconnect\ndata: {"afterMs":${wait},"reason":"${reason}"}\n\n`;
}

/** One event as a reader receives it. */
export interface Message {
  readonly type: string;
  readonly data: string;
  /** The last id seen so far, as EventSource has it. */
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

/**
 * Reads a stream that arrives in chunks of any size. Whoever feeds it decodes UTF-8 first.
 * `bufferCharactersMax` bounds one unfinished event; beyond it the reader throws, because a server
 * that sends such a thing is not ours.
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

  function dispatch(): void {
    // [spec] If the data buffer is an empty string, set the data buffer and the event type buffer to
    // the empty string and return. (The id stands all the same.)
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
    // [spec] If value starts with a U+0020 SPACE character, remove it from value.
    const value =
      colon < 0 ? "" : text.slice(text.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
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
      let text = rest + chunk;
      if (first && text.length > 0) {
        first = false;
        if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
      }
      let start = 0;
      for (let index = 0; index < text.length; index++) {
        const unit = text.charCodeAt(index);
        if (unit !== 10 && unit !== 13) continue;
        // A CR at the end of a chunk may be half of a CRLF: it waits for the next one.
        if (unit === 13 && index + 1 === text.length) break;
        line(text.slice(start, index));
        if (unit === 13 && text.charCodeAt(index + 1) === 10) index++;
        start = index + 1;
      }
      rest = text.slice(start);
      if (rest.length + data.length > bufferCharactersMax)
        throw new Error("an event is longer than the reader's limit");
    },
  };
}
