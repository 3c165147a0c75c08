/**
 * The lines of a stream of bytes, read only as fast as they are taken. The stream is not touched
 * before the first line is asked for, so nothing is lost while a caller prepares (`node:readline`
 * emits lines from its creation on, and drops those that come before the loop).
 */

export interface TextLinesOptions {
  /** Characters of one line. `tooLong` is told the number (from 1) of a longer one. */
  readonly lineCharactersMax: number;
  /** An error is thrown; a line that is left out is given as an empty one, so that numbers hold. */
  tooLong(lineNumber: number): Error | "leave out";
}

/** Lines without their ends (LF or CRLF). A last line without an end counts. */
export async function* readTextLines(
  bytes: AsyncIterable<Uint8Array>,
  { lineCharactersMax, tooLong }: TextLinesOptions,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8");
  let rest = "";
  let number = 0;
  /** The line that is being read is too long and is not kept. */
  let isLeavingOut = false;
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      number++;
      yield take(line);
    }
    if (isLeavingOut || rest.length > lineCharactersMax) {
      if (!isLeavingOut) leaveOut(number + 1);
      isLeavingOut = true;
      rest = "";
    }
  }
  rest += decoder.decode();
  number++;
  if (isLeavingOut || rest !== "") yield take(rest);

  function take(line: string): string {
    if (!isLeavingOut && line.length <= lineCharactersMax) return withoutReturn(line);
    if (!isLeavingOut) leaveOut(number);
    isLeavingOut = false;
    return "";
  }
  function leaveOut(at: number): void {
    const answer = tooLong(at);
    if (answer !== "leave out") throw answer;
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
