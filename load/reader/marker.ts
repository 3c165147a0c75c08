/**
 * The mark in the payload of every published event, which readers search in the received bytes,
 * whatever envelope the server adds: `@@<run>.<stream>.<seq>.<sent>@@`, all numbers in base 36.
 *
 * - run: tells this run's events from those of an earlier one (a durable topic keeps them)
 * - stream: topic index × publishers + publisher. Within a stream numbers are contiguous from 1
 * - sent: when the event was *due*, in microseconds of {@link nowUs}. Measuring from there, not
 *   from when the request left, keeps a stalled publisher from hiding a stall (coordinated
 *   omission)
 *
 * None of its characters is escaped in JSON, XML or a form body.
 */
export interface Mark {
  readonly run: string;
  readonly stream: number;
  readonly seq: number;
  readonly sentUs: number;
}

export const MARK_SIGN = "@@";
const RUN = /^[a-z0-9]{4,12}$/;

export function isRun(text: string): boolean {
  return RUN.test(text);
}

export function formatMark({ run, stream, seq, sentUs }: Mark): string {
  const numbers = `${stream.toString(36)}.${seq.toString(36)}.${Math.round(sentUs).toString(36)}`;
  return `${MARK_SIGN}${run}.${numbers}${MARK_SIGN}`;
}

/** Parses the text between two separators; `undefined` where it is not a mark. */
export function parseMark(text: string): Mark | undefined {
  const parts = text.split(".");
  const [run, stream, seq, sent] = parts;
  if (
    parts.length !== 4 ||
    run === undefined ||
    stream === undefined ||
    seq === undefined ||
    sent === undefined
  )
    return undefined;
  const mark = {
    run,
    stream: parseInt(stream, 36),
    seq: parseInt(seq, 36),
    sentUs: parseInt(sent, 36),
  };
  return isRun(run) && mark.stream >= 0 && mark.seq >= 1 && mark.sentUs >= 0 ? mark : undefined;
}

const WORDS = (
  "love this so much hello from Lagos Porto Osaka Lima Oslo great point what about " +
  "the second half can you show that again haha yes no way " +
  "wow amazing when does it start sound is low for me thanks everyone first time here " +
  "see you next week who guest today goal though best " +
  "stream ever greetings good evening morning camera angle please turn music down up " +
  "lol never seen anything like unreal question does " +
  "work with old phone my dad says hi mum just joined late missed beginning link in " +
  "description where buy shirt blue red green favourite " +
  "part was when he jumped she sings beautifully crying right now happy birthday Ana " +
  "Tom Yuki Maria Kofi team deserves win referee blind " +
  "pass was perfect keep going we need more of these every month thank mods chat " +
  "moving fast slow mode on lag anyone else buffering fixed " +
  "itself refresh helped internet terrible tonight raining here sunny cold coffee " +
  "time dinner almost ready brb back again did miss something"
).split(" ");

/**
 * Filler that reads like comments, so that compression is realistic: neither repetitive nor random.
 * The same seed gives the same text. ASCII, nothing that JSON escapes.
 */
export function fillerText(bytes: number, seed: number): string {
  let text = "";
  let state = (seed * 2654435761 + 12345) >>> 0;
  while (text.length < bytes) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += `${WORDS[(state >>> 8) % WORDS.length]} `;
  }
  return text.slice(0, Math.max(0, bytes));
}
