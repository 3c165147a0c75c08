/**
 * The upstream of a fake frontend: `HttpUpstream`, observed. It knows which rows were put since a
 * moment and how far reports are behind, and can hold back what frontends do once a second, so that
 * events are measured alone.
 */

import type { HttpUpstream } from "@ovation/dispatcher";
import type { Report, TopicHead, Upstream, UpstreamChange } from "@ovation/frontend";
import type { Topic } from "@ovation/protocol";
import { wallClock } from "../failover-publishers.ts";

/** The longest lease that a dispatcher grants: for as long as renewals are held back. */
const QUIET_LEASE_MS = 10 * 60 * 1000;
const QUIET_ATTEMPTS_MAX = 10;
const QUIET_PAUSE_MS = 2000;

export class FakeUpstream implements Upstream {
  /** How far the log was ahead of each report that ended in the present, ms. */
  lagsMs: number[] = [];
  /** Of the last answer, also of one that has more to tell. */
  lastLagMs = 0;
  /** When the last of the expected rows was put, ms since 1970. */
  backAt: number | undefined;
  readonly #inner: HttpUpstream;
  readonly #put = new Set<Topic>();
  #expected = Number.POSITIVE_INFINITY;
  #isQuiet = false;
  #mark = "";
  #renewing: Promise<string> = Promise.resolve("");

  constructor(inner: HttpUpstream) {
    this.#inner = inner;
  }

  get put(): number {
    return this.#put.size;
  }

  /** Rows count from now on; with so many all are back. */
  expectRows(count: number): void {
    this.#put.clear();
    this.#expected = count;
    this.backAt = undefined;
  }

  /** Suspends reports, renewals and probes, or resumes them. */
  async setQuiet(isQuiet: boolean): Promise<void> {
    const wasQuiet = this.#isQuiet;
    this.#isQuiet = isQuiet;
    if (!isQuiet || wasQuiet) return;
    // One in flight could come after the long lease, and shorten it.
    await this.#renewing.catch(() => undefined);
    this.#mark = await this.#renewLong();
  }

  /** The table may be busy: a lease that is not long enough would spoil all that follows. */
  async #renewLong(): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#inner.renew(QUIET_LEASE_MS);
      } catch (error) {
        if (attempt === QUIET_ATTEMPTS_MAX) throw error;
        await Bun.sleep(Math.random() * QUIET_PAUSE_MS);
      }
    }
  }

  async change(changes: readonly UpstreamChange[]): Promise<readonly TopicHead[]> {
    const heads = await this.#inner.change(changes);
    for (const { topic, subscribed } of changes) if (subscribed) this.#put.add(topic);
    if (this.#put.size >= this.#expected) this.backAt ??= wallClock();
    return heads;
  }

  async report(...[viewers, since]: Parameters<Upstream["report"]>): Promise<Report> {
    if (this.#isQuiet && since >= 0) return { viewers: [], heads: [], stamp: since };
    const report = await this.#inner.report(viewers, since);
    this.lastLagMs = Date.now() - report.stamp;
    if (since >= 0 && report.more !== true) this.lagsMs.push(this.lastLagMs);
    return report;
  }

  async renew(ttlMs: number): Promise<string> {
    if (this.#isQuiet) return this.#mark;
    this.#renewing = this.#inner.renew(ttlMs);
    this.#mark = await this.#renewing;
    return this.#mark;
  }

  async probe(number: number): Promise<void> {
    if (!this.#isQuiet) await this.#inner.probe(number);
  }

  read(...call: Parameters<Upstream["read"]>): ReturnType<Upstream["read"]> {
    return this.#inner.read(...call);
  }

  wrote(...call: Parameters<Upstream["wrote"]>): ReturnType<Upstream["wrote"]> {
    return this.#inner.wrote(...call);
  }

  reached(...call: Parameters<Upstream["reached"]>): ReturnType<Upstream["reached"]> {
    return this.#inner.reached(...call);
  }

  headAt(...call: Parameters<Upstream["headAt"]>): ReturnType<Upstream["headAt"]> {
    return this.#inner.headAt(...call);
  }

  changeConnection(
    ...call: Parameters<Upstream["changeConnection"]>
  ): ReturnType<Upstream["changeConnection"]> {
    return this.#inner.changeConnection(...call);
  }

  present(...call: Parameters<Upstream["present"]>): Promise<void> {
    return this.#inner.present(...call);
  }

  release(): Promise<void> {
    return this.#inner.release();
  }

  close(): void {
    this.#inner.close();
  }
}
