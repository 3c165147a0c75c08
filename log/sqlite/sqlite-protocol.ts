/**
 * What travels between the process's main thread and the worker that writes the SQLite file. As
 * JSON text: a string crosses without being cloned, which for 64 comments costs half of what the
 * objects would.
 */

import type { Topic } from "@ovation/protocol";
import type { Call } from "../group-commit.ts";
import type { Appended } from "../log.ts";
import type { TrimmedStep, TrimStep } from "../retention.ts";

export type WriterRequest =
  /** The first request, once. */
  | { readonly kind: "open"; readonly path: string }
  | { readonly kind: "commit"; readonly now: number; readonly calls: readonly Call[] }
  | { readonly kind: "trim-keys"; readonly before: number; readonly limit: number }
  | { readonly kind: "trim-events"; readonly step: TrimStep }
  | {
      readonly kind: "clear";
      readonly topic: Topic;
      readonly below: number;
      readonly limit: number;
    }
  | { readonly kind: "probe" }
  | { readonly kind: "close" };

/** What each request answers, by its kind. */
export interface WriterAnswers {
  readonly open: null;
  readonly commit: readonly (readonly Appended[])[];
  readonly "trim-keys": number;
  readonly "trim-events": TrimmedStep;
  readonly clear: number;
  readonly probe: null;
  readonly close: null;
}

/** A failure as it crosses: which of the log's errors it is, and what to say. */
export interface WriterFailure {
  readonly kind: "full" | "unavailable" | "unusable" | "internal";
  readonly message: string;
}

/** Answers come in the order of the requests. */
export type WriterAnswer<Answer = unknown> =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly failure: WriterFailure };
