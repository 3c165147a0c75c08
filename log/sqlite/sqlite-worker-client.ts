/** The main thread's end of `sqlite-protocol.ts`: requests in, answers in the same order. */

import { LogFullError, LogUnavailableError, LogUnusableError } from "../log.ts";
import type {
  WriterAnswer,
  WriterAnswers,
  WriterFailure,
  WriterRequest,
} from "./sqlite-protocol.ts";

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class SqliteWorkerClient {
  readonly #worker: Worker;
  /** Bounded by its callers: a commit group, a trim step and a close at a time. */
  readonly #pending: Pending[] = [];
  #dead: Error | undefined;

  constructor() {
    this.#worker = new Worker(new URL("./sqlite-worker.ts", import.meta.url).href);
    this.#worker.onmessage = (event: MessageEvent<string>) => {
      const pending = this.#pending.shift();
      const answer: WriterAnswer = JSON.parse(event.data);
      if (answer.ok) pending?.resolve(answer.answer);
      else pending?.reject(errorFrom(answer.failure));
    };
    this.#worker.onerror = (event) => this.#die(`the log's writer stopped: ${event.message}`);
    this.#worker.addEventListener("close", () => this.#die("the log's writer is closed"));
  }

  ask<Request extends WriterRequest>(request: Request): Promise<WriterAnswers[Request["kind"]]> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve: resolve as Pending["resolve"], reject });
      this.#worker.postMessage(JSON.stringify(request));
    });
  }

  /** Ends the worker; what it had not answered is rejected. */
  terminate(): void {
    this.#die("the log is closed");
    this.#worker.terminate();
  }

  #die(reason: string): void {
    this.#dead ??= new LogUnavailableError(reason);
    for (const pending of this.#pending.splice(0)) pending.reject(this.#dead);
  }
}

function errorFrom(failure: WriterFailure): Error {
  switch (failure.kind) {
    case "full":
      return new LogFullError(failure.message);
    case "unavailable":
      return new LogUnavailableError(failure.message);
    case "unusable":
      return new LogUnusableError(failure.message);
    case "internal":
      return new Error(failure.message);
  }
}
