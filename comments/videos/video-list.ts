/** Pages of the list of videos, without those that the request may not see. */

import { type Identity, isTopicId, maySubscribe, Problem, topicOf } from "@ovation/protocol";
import { CoalescedReads } from "../history/coalesced-reads.ts";
import { LIST_FLUSH_VIDEOS_MAX, LIST_READS_MAX } from "../limits.ts";
import { parseSeq } from "../requests/schemas.ts";
import type { Service } from "../service.ts";
import type { ListPlace, StoredVideo } from "./video-store.ts";

export interface VideoPage {
  readonly videos: readonly StoredVideo[];
  /** The cursor of the next page, where there may be one. */
  readonly next?: string;
}

export class VideoList {
  readonly #service: Service;
  readonly #reads: CoalescedReads<readonly StoredVideo[]>;

  constructor(service: Service) {
    this.#service = service;
    this.#reads = new CoalescedReads(service.steady);
  }

  /** Private videos do not shorten the page; after LIST_READS_MAX reads it has `next`. */
  async read(
    identity: Identity | undefined,
    limit: number,
    cursor: string | null,
  ): Promise<VideoPage> {
    const seen: StoredVideo[] = [];
    let from = placeOf(cursor);
    for (let reads = 0; reads < LIST_READS_MAX; reads++) {
      const rows = await this.#readRows(limit + 1, from);
      for (const [index, video] of rows.entries()) {
        const topic = topicOf("video", video.id);
        if (maySubscribe(this.#service.policy, identity, topic)) seen.push(video);
        if (seen.length < limit) continue;
        return { videos: seen, ...(index === rows.length - 1 ? {} : { next: placeText(video) }) };
      }
      from = rows.at(-1);
      if (from === undefined || rows.length <= limit) return { videos: seen };
    }
    return { videos: seen, ...(from === undefined ? {} : { next: placeText(from) }) };
  }

  /** Includes videos first used just now; a second later where very many are pending. */
  #readRows(limit: number, from: ListPlace | undefined): Promise<readonly StoredVideo[]> {
    const { store, likes, commentCounts } = this.#service;
    const key = `${limit} ${from === undefined ? "" : placeText(from)}`;
    return this.#reads.get(key, async () => {
      if (likes.waiting + commentCounts.waiting <= LIST_FLUSH_VIDEOS_MAX)
        await Promise.all([likes.flush(), commentCounts.flush()]);
      return store.list(limit, from);
    });
  }
}

/** A cursor of the list. Videos move in it, so a page may repeat or miss one that moved. */
function placeText({ live, activeAt, id }: ListPlace): string {
  return `${live ? 1 : 0}.${activeAt}.${id}`;
}

function placeOf(text: string | null): ListPlace | undefined {
  if (text === null) return undefined;
  const [, live, at = "", id = ""] = /^([01])\.([0-9]+)\.(.+)$/.exec(text) ?? [];
  const activeAt = parseSeq(at);
  if (activeAt === undefined || !isTopicId(id))
    throw new Problem("invalid-parameter", "cursor is the `next` of an earlier answer");
  return { live: live === "1", activeAt, id };
}
