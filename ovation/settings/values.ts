/** The forms that values of settings have: from text to value, with errors for operators. */

import { isIP } from "node:net";
import { z } from "zod";

/** Longer ones overflow the runtime's timers, which then fire at once. */
export const SECONDS_MAX = 2_000_000;
export const COUNT_MAX = 1_000_000_000;
export const WORKERS_MAX = 512;

const PORT = "a port is a number from 0 (any free one) to 65535.";

export const port = z
  .string()
  .regex(/^\d+$/, PORT)
  .transform(Number)
  .pipe(z.number().max(65_535, PORT));

export function count(max: number) {
  const error = `needs a whole number from 1 to ${max}.`;
  return z
    .string()
    .regex(/^\d+$/, error)
    .transform(Number)
    .pipe(z.number().min(1, error).max(max, error));
}

/** `Number` also takes `""`, `0x10` and `Infinity`; an operator who writes them made a mistake. */
const DECIMAL = /^\d+(\.\d+)?$/;

/** Seconds, 0 included. */
export const seconds = decimal(
  `needs a number of seconds, at most ${SECONDS_MAX}.`,
  (number) => number >= 0 && number <= SECONDS_MAX,
);

export function positive(max: number) {
  return decimal(`needs a number above 0, at most ${max}.`, (n) => n > 0 && n <= max);
}

function decimal(error: string, isValid: (number: number) => boolean) {
  return z.string().regex(DECIMAL, error).transform(Number).refine(isValid, error);
}

/** The value in milliseconds of one that operators write in larger units. */
export function inMs(value: z.ZodType<number, string>, unitMs: number) {
  return value.transform((number) => number * unitMs);
}

/** An IP address or a name that the system knows; no URL, and no address with a port. */
export const host = z
  .string()
  .refine(
    isHost,
    "needs an address of this machine: 127.0.0.1, 0.0.0.0, ::1, or a name; the port is --port.",
  );

function isHost(text: string): boolean {
  if (isIP(text.replace(/%.*$/, "")) !== 0) return true;
  // All digits and dots, and no address: 999.1.1.1, 1.2.3.
  return /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text) && !/^[0-9.]+$/.test(text);
}

export const text = z.string();

/** What `parse` returns; what it throws is the error. */
export function parsed<Value>(
  parse: (text: string) => Value,
  explain: (message: string) => string = (message) => message,
) {
  return z.string().transform((given, context): Value => {
    try {
      return parse(given);
    } catch (error) {
      const message = explain(error instanceof Error ? error.message : String(error));
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }
  });
}

/** To be spread into an entry: the value is one of these words. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words) {
  return {
    choices: words,
    value: z.enum(words, { error: `Allowed choices are ${words.join(", ")}.` }),
  };
}

const { choices, value } = choice(["on", "off"]);
/** To be spread into an entry: true or false. */
export const onOff = { choices, value: value.transform((word) => word === "on") };

/** Entries between commas or white space. */
export function entriesOf(given: string): readonly string[] {
  return given.split(/[\s,]+/).filter((entry) => entry !== "");
}

/** The value of a text; throws an Error with the sentence for the operator. */
export function parseValue<Value>(schema: z.ZodType<Value>, given: string): Value {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new Error(result.error.issues[0]?.message ?? "is invalid.");
}
