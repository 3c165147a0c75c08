/**
 * Publishers: they send one event after the other and record each response. An event without a
 * response is sent again with the same key, as the documents ask them to.
 */

import type { Outcome } from "../history/history.ts";
import type { Recorder } from "../history/recorder.ts";

export interface PublisherOptions {
  readonly name: string;
  readonly recorder: Recorder;
  readonly topic: string;
  /** `comment`: to the comments service. `durable` and `live`: to a dispatcher, as servers do. */
  readonly form: "comment" | "durable" | "live";
  readonly url: string;
  readonly token: string;
  /** Mean wait between two events, ms. */
  readonly everyMs: number;
  /** So many of a hundred comments are removed again. */
  readonly removePercent?: number;
  random(): number;
}

/** A durable event is sent again until its outcome is final, or for this long. */
const GIVE_UP_MS = 15_000;
const RETRY_MS = 150;
const TIMEOUT_MS = 4000;

/** Statuses that mean that nothing was stored. */
const REFUSALS = new Set([400, 401, 403, 404, 409, 413, 415, 429, 507]);

interface PublishResponse {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #running: Promise<void>;
  #isStopped = false;
  #number = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Publishes once more, on a whole system, and returns whether that was acknowledged. */
  async finish(): Promise<boolean> {
    this.#isStopped = true;
    await this.#running;
    return (await this.#publishOne()).kind === "acknowledged";
  }

  async #run(): Promise<void> {
    const { random, everyMs } = this.#options;
    while (!this.#isStopped) {
      await this.#publishOne();
      await Bun.sleep(-Math.log(1 - random()) * everyMs);
    }
  }

  async #publishOne(): Promise<Outcome> {
    const { name: publisher, recorder, topic, form } = this.#options;
    const number = ++this.#number;
    const key = `${publisher}-${number}`;
    const sentAt = recorder.now();
    const { outcome, attempts } = await this.#sendUntilFinal(key, sentAt);
    const lane = form === "live" ? "live" : "durable";
    recorder.publish({
      publisher,
      topic,
      lane,
      key,
      number,
      sentAt,
      attempts,
      outcome,
      endedAt: recorder.now(),
    });
    if (form === "comment" && outcome.kind === "acknowledged") await this.#mayRemove(outcome.seq);
    return outcome;
  }

  async #sendUntilFinal(
    key: string,
    sentAt: number,
  ): Promise<{ readonly outcome: Outcome; readonly attempts: number }> {
    const { recorder, form, random } = this.#options;
    let isUnknown = false;
    for (let attempts = 1; ; attempts++) {
      if (attempts > 1) await Bun.sleep(RETRY_MS * (0.5 + random()));
      const outcome = await this.#attempt(key);
      // Once an attempt may have been stored, only an acknowledgement settles the outcome.
      isUnknown ||= outcome.kind === "unknown";
      const mayRetry = form !== "live" && outcome.kind !== "acknowledged";
      if (mayRetry && recorder.now() - sentAt < GIVE_UP_MS) continue;
      const isOpen = outcome.kind === "refused" && isUnknown;
      return { outcome: isOpen ? { kind: "unknown" } : outcome, attempts };
    }
  }

  async #attempt(key: string): Promise<Outcome> {
    try {
      const { status, body } = await this.#send(key);
      if (status === 201 || status === 202) return { kind: "acknowledged", seq: seqOf(body) };
      const code = String(body["code"] ?? status);
      // `unavailable` of a live event: it was not sent. A full disk: it was not stored.
      const isRefused = REFUSALS.has(status) || (this.#options.form === "live" && status === 503);
      return isRefused ? { kind: "refused", code } : { kind: "unknown" };
    } catch {
      return { kind: "unknown" };
    }
  }

  #send(key: string): Promise<PublishResponse> {
    const { name, topic, form } = this.#options;
    if (form === "comment")
      return this.#call("POST", this.#commentsPath, { text: `what ${key} says`, clientId: key });
    return this.#call("POST", "/v1/publish", {
      topic,
      type: "goal",
      data: { id: key, from: name },
      ...(form === "durable" ? { durable: true, id: key } : { durable: false }),
    });
  }

  async #mayRemove(seq: number | undefined): Promise<void> {
    const { random, removePercent = 0 } = this.#options;
    if (random() * 100 >= removePercent) return;
    try {
      await this.#call("DELETE", `${this.#commentsPath}/${seq ?? 0}`, {});
    } catch {
      // Removed or not: the checker compares every viewer with the log.
    }
  }

  get #commentsPath(): string {
    return `/v1/videos/${this.#options.topic.slice("video:".length)}/comments`;
  }

  async #call(method: string, path: string, body: unknown): Promise<PublishResponse> {
    const { url, token } = this.#options;
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : {},
    };
  }
}

function seqOf(body: Record<string, unknown>): number | undefined {
  if (typeof body["seq"] === "number") return body["seq"];
  const { seqs } = body as { readonly seqs?: readonly (number | null)[] };
  return seqs?.[0] ?? undefined;
}
