/**
 * Publishers: they send one after the other, remember what they were told, and send again with
 * the same key what they were told nothing about, as the documents ask them to.
 */

import type { Outcome } from "./history.ts";
import type { Recorder } from "./recorder.ts";

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
  /** So often of a hundred a comment is taken out again. */
  readonly removePercent?: number;
  random(): number;
}

export interface Publisher {
  /**
   * Publishes once more, and answers whether that was acknowledged: everything is whole by then.
   */
  finish(): Promise<boolean>;
}

/** A durable event is sent again until it is answered for good, or for this long. */
const GIVE_UP_MS = 15_000;
const RETRY_MS = 150;
const TIMEOUT_MS = 4000;

/** Answers that say that nothing was stored. */
const REFUSALS = new Set([400, 401, 403, 404, 409, 413, 415, 429, 507]);

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export function startPublisher(options: PublisherOptions): Publisher {
  const { name, recorder, topic, form, everyMs, random } = options;
  let stopped = false;
  let number = 0;

  async function publishOne(): Promise<Outcome> {
    const key = `${name}-${++number}`;
    const sentAt = recorder.now();
    let attempts = 0;
    let isOpen = false;
    let outcome: Outcome;
    do {
      if (attempts > 0) await Bun.sleep(RETRY_MS * (0.5 + random()));
      attempts++;
      outcome = await attempt(key);
      // Once it is open whether an attempt was stored, only an acknowledgement settles it.
      isOpen ||= outcome.kind === "unknown";
    } while (
      form !== "live" &&
      outcome.kind !== "acknowledged" &&
      recorder.now() - sentAt < GIVE_UP_MS
    );
    if (outcome.kind === "refused" && isOpen) outcome = { kind: "unknown" };
    const lane = form === "live" ? "live" : "durable";
    recorder.publish({
      publisher: name,
      topic,
      lane,
      key,
      number,
      sentAt,
      endedAt: recorder.now(),
      attempts,
      outcome,
    });
    if (
      form === "comment" &&
      outcome.kind === "acknowledged" &&
      random() * 100 < (options.removePercent ?? 0)
    )
      await remove(outcome.seq ?? 0);
    return outcome;
  }

  async function attempt(key: string): Promise<Outcome> {
    try {
      const { status, body } = await send(key);
      if (status === 201 || status === 202) return { kind: "acknowledged", seq: seqOf(body) };
      const code = String(body["code"] ?? status);
      // A live event that was answered with an error was not sent; what a full disk refuses is
      // not there.
      const refused = REFUSALS.has(status) || (form === "live" && status === 503);
      return refused ? { kind: "refused", code } : { kind: "unknown" };
    } catch {
      return { kind: "unknown" };
    }
  }

  function send(key: string): Promise<Answer> {
    if (form === "comment")
      return post(`/v1/videos/${topic.slice("video:".length)}/comments`, {
        text: `what ${key} says`,
        clientId: key,
      });
    return post("/v1/publish", {
      topic,
      type: "goal",
      data: { id: key, from: name },
      ...(form === "durable" ? { durable: true, id: key } : { durable: false }),
    });
  }

  async function post(path: string, body: unknown, method = "POST"): Promise<Answer> {
    const response = await fetch(options.url + path, {
      method,
      headers: { authorization: `Bearer ${options.token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : {},
    };
  }

  async function remove(seq: number): Promise<void> {
    try {
      await post(`/v1/videos/${topic.slice("video:".length)}/comments/${seq}`, {}, "DELETE");
    } catch {
      // Removed or not: either way every viewer must agree with the log, which is what is checked.
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      await publishOne();
      await Bun.sleep(-Math.log(1 - random()) * everyMs);
    }
  }

  const running = run();
  return {
    async finish() {
      stopped = true;
      await running;
      return (await publishOne()).kind === "acknowledged";
    },
  };
}

function seqOf(body: Record<string, unknown>): number | undefined {
  if (typeof body["seq"] === "number") return body["seq"];
  const { seqs } = body as { readonly seqs?: readonly (number | null)[] };
  return seqs?.[0] ?? undefined;
}
