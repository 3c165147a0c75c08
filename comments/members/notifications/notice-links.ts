/**
 * One pass over the notifications that earlier versions stored without a link from the comment:
 * each gets its link, and those of comments that are removed already lose their text.
 *
 * It runs in the upkeep, in bounded steps. Its progress is stored, so that an installation does it
 * once; a step that is repeated after a crash changes nothing. Two processes at once do no harm.
 */

import { type DurableEvent, kindOf, Problem, type Topic, topicOf } from "@ovation/protocol";
import { findComment } from "../../history/history.ts";
import {
  NOTICE_LINK_READS_PER_STEP,
  NOTICE_LINK_TOPICS,
  NOTICE_SEARCH_PAGE,
} from "../../limits.ts";
import type { People, Service } from "../../service.ts";
import { NOTIFICATION, type Quote, quoteOf, retractNotices } from "./notice-retraction.ts";

export class NoticeLinks {
  readonly #service: Service;
  readonly #people: People;
  #pass: AsyncGenerator<void, void> | undefined;
  #isDone = false;

  constructor(service: Service, people: People) {
    this.#service = service;
    this.#people = people;
  }

  /** One step: at most NOTICE_LINK_READS_PER_STEP pages of notifications. */
  async run(): Promise<{ readonly more: boolean }> {
    if (this.#isDone) return { more: false };
    this.#pass ??= this.#walk();
    try {
      for (let read = 0; read < NOTICE_LINK_READS_PER_STEP; read++) {
        const { done } = await this.#pass.next();
        this.#isDone = done === true;
        if (this.#isDone) return { more: false };
      }
      return { more: true };
    } catch (error) {
      // The next step starts where the stored progress is.
      this.#pass = undefined;
      throw error;
    }
  }

  /** Yields after each page. Topics in the order of their last change, as the log lists them. */
  async *#walk(): AsyncGenerator<void, void> {
    const { notices } = this.#people.stores;
    let { stamp, isDone } = await notices.linkProgress();
    while (!isDone) {
      const changes = await this.#service.log.changes(stamp, NOTICE_LINK_TOPICS);
      for (const { topic } of changes.heads)
        if (kindOf(topic) === "member") yield* this.#linkTopic(topic);
      // Of a restored log, the progress may lie ahead of all that it has: the pass starts again.
      const isAhead = changes.stamp < stamp;
      stamp = isAhead ? 0 : changes.stamp;
      isDone = !changes.more && !isAhead;
      await notices.setLinkProgress({ stamp, isDone });
      yield;
    }
  }

  async *#linkTopic(topic: Topic): AsyncGenerator<void, void> {
    let after = 0;
    for (;;) {
      const { events } = await this.#service.log.read(topic, {
        after,
        limit: NOTICE_SEARCH_PAGE,
        types: NOTIFICATION,
      });
      for (const event of events) await this.#link(event);
      yield;
      if (events.length < NOTICE_SEARCH_PAGE) return;
      after = events.at(-1)?.place.seq ?? after;
    }
  }

  async #link({ topic, at, data }: DurableEvent): Promise<void> {
    const quote = quoteOf(JSON.parse(data) as Record<string, unknown>);
    if (quote === undefined || quote.isRetracted) return;
    const { video, seq } = quote;
    const member = topic.slice("member:".length);
    await this.#people.stores.notices.note({ video, seq, members: [member], at });
    // After the link: a removal from now on finds it, one from before is found here.
    if (await this.#isRemoved(quote)) await retractNotices(this.#service, video, seq);
  }

  /** With its video, or by itself. False where the comment is past retention. */
  async #isRemoved({ video, seq }: Quote): Promise<boolean> {
    const { log } = this.#service;
    const topic = topicOf("video", video);
    try {
      return (await findComment(log, topic, seq, "with-removed")).removed === true;
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "unknown-comment") throw error;
      const { events } = await log.read(topic, { limit: 1, types: ["video-deleted"] });
      return events.some(({ place }) => place.seq > seq);
    }
  }
}
