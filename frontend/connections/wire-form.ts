/**
 * The forms that the same frames take on the wire. A form is a set of bits, so that it indexes an
 * array: a batch makes each form when the first connection asks for it, and all others share it.
 */

/** Every write is one independent zstd frame. */
export const ZSTD = 1;
/** Every write is one chunk of HTTP/1.1's chunked transfer coding. */
export const CHUNKED = 2;
/** Without `event:` lines: an event's type is the member `type` of its `data`. */
export const UNNAMED = 4;

export type WireForm = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

export const PLAIN: WireForm = 0;

export function wireForm(parts: {
  readonly zstd?: boolean;
  readonly chunked?: boolean;
  readonly unnamed?: boolean;
}): WireForm {
  return ((parts.zstd === true ? ZSTD : 0) |
    (parts.chunked === true ? CHUNKED : 0) |
    (parts.unnamed === true ? UNNAMED : 0)) as WireForm;
}
