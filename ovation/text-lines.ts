/**
 * The lines of a stream of bytes, read only as fast as they are taken. The stream is not touched
 * before the first line is asked for, so nothing is lost while a caller prepares (`node:readline`
 * emits lines from its creation on, and drops those that come before the loop).
 */

export interface TextLinesOptions {
  /** Characters of one line; a longer one throws what `tooLong` makes of its number (from 1). */
  readonly lineCharactersMax: number;
  tooLong(lineNumber: number): Error;
}

/** Lines without their ends (LF or CRLF). A last line without an end counts. */
export async function* readTextLines(
  bytes: AsyncIterable<Uint8Array>,
  { lineCharactersMax, tooLong }: TextLinesOptions,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8");
  let rest = "";
  let number = 0;
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      number++;
      if (line.length > lineCharactersMax) throw tooLong(number);
      yield withoutReturn(line);
    }
    if (rest.length > lineCharactersMax) throw tooLong(number + 1);
  }
  rest += decoder.decode();
  if (rest !== "") yield withoutReturn(rest);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
