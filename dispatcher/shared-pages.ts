/**
 * Pages of the log that frontends share. An event that did not arrive is missing in every frontend
 * that has its topic: they ask for the same page at nearly the same time, and one read serves all.
 *
 * A page that was read before the call is used only if its head reaches the sequence number that
 * the caller needs: so no frontend concludes from an old page that a newer event does not exist.
 */

import type { EventPage } from "@ovation/frontend";
import { Cache, type Clock, type Topic } from "@ovation/protocol";
import { SHARED_PAGE_MS, SHARED_PAGES_CHARACTERS_MAX, SHARED_PAGES_MAX } from "./limits.ts";

export interface PageQuery {
  readonly topic: Topic;
  readonly after: number;
  readonly limit: number;
}

export class SharedPages {
  readonly #readLog: (query: PageQuery) => Promise<EventPage>;
  readonly #pages: Cache<EventPage>;
  readonly #inFlight = new Map<string, Promise<EventPage>>();

  constructor(clock: Clock, readLog: (query: PageQuery) => Promise<EventPage>) {
    this.#readLog = readLog;
    this.#pages = new Cache(clock, {
      ageMs: SHARED_PAGE_MS,
      entriesMax: SHARED_PAGES_MAX,
      weightMax: SHARED_PAGES_CHARACTERS_MAX,
    });
  }

  /** `need`: the sequence number that the head of the page must have reached; absent: read now. */
  async read(query: PageQuery, need?: number): Promise<EventPage> {
    if (need === undefined) return this.#readLog(query);
    const key = `${query.topic} ${query.after} ${query.limit}`;
    const reaches = ({ head }: EventPage) => head.seq >= need;
    const known = this.#pages.get(key);
    if (known !== undefined && reaches(known)) return known;
    // It began before this call, and may not reach.
    const running = this.#inFlight.get(key);
    if (running !== undefined) {
      const page = await running;
      if (reaches(page)) return page;
    }
    // A read that began meanwhile, for another call that waited, began after this call.
    return this.#inFlight.get(key) ?? this.#read(key, query);
  }

  #read(key: string, query: PageQuery): Promise<EventPage> {
    const read = this.#readLog(query)
      .then((page) => {
        const weight = page.events.reduce((sum, { data }) => sum + data.length, 0);
        this.#pages.set(key, page, weight);
        return page;
      })
      .finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, read);
    return read;
  }
}
