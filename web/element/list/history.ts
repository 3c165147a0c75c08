/** Reads stored comments page by page. Items that cannot be read or shown never end the reading. */

import type { Comment, VideoApi } from "@ovation/client";
import { CATCH_UP_PAGE, CATCH_UP_PAGES_MAX, EMPTY_PAGES_MAX, HISTORY_PAGE } from "../limits.ts";
import { fieldsOf, isCount, readAll, readComment } from "../read.ts";
import type { Skips } from "./skips.ts";

export interface Page {
  /** Ascending; none that was removed. */
  readonly comments: readonly Comment[];
  readonly head: number;
  /** Where the page before or after it begins; undefined at the end of what is stored. */
  readonly next: number | undefined;
}

export class History {
  readonly #video: VideoApi;
  readonly #skips: Skips;
  /** Between `before` and `seq` everything was read, and nothing can be shown. */
  #known: { readonly seq: number; readonly before: number } | undefined;

  constructor(video: VideoApi, skips: Skips) {
    this.#video = video;
    this.#skips = skips;
  }

  /** The newest comments. */
  latest(): Promise<Page> {
    return this.#before(undefined);
  }

  /** The comments before `seq`. None, with `next`: too many pages had none; call again. */
  earlier(seq: number): Promise<Page> {
    return this.#before(this.#known?.seq === seq ? this.#known.before : seq, seq);
  }

  /** The comments after `after`, from a bounded number of pages. */
  async later(after: number): Promise<readonly Comment[]> {
    const comments: Comment[] = [];
    let from: number | undefined = after;
    for (let read = 0; read < CATCH_UP_PAGES_MAX && from !== undefined; read++) {
      const page: Page = await this.#read({ after: from }, CATCH_UP_PAGE);
      comments.push(...page.comments);
      from = page.next;
    }
    return comments;
  }

  /** `shown` is the first number that the reader has. */
  async #before(seq: number | undefined, shown = seq): Promise<Page> {
    let page = await this.#read({ before: seq });
    for (let empty = 1; page.comments.length === 0 && empty < EMPTY_PAGES_MAX; empty++) {
      if (page.next === undefined) break;
      page = await this.#read({ before: page.next });
    }
    const first = page.comments[0]?.seq ?? shown;
    this.#known =
      first === undefined || page.next === undefined
        ? undefined
        : { seq: first, before: page.next };
    return page;
  }

  async #read(
    { before, after }: { readonly before?: number | undefined; readonly after?: number },
    limit = HISTORY_PAGE,
  ): Promise<Page> {
    const answer: unknown = await this.#video.history({
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
      limit,
    });
    const { comments: list, head, next } = fieldsOf(answer);
    const read = readAll(list, readComment, () => this.#skips.add("stored comment"));
    return {
      comments: read.filter(({ removed }) => removed !== true),
      head: isCount(head) ? head : 0,
      next: isCount(next) ? next : edgeOf(list as readonly unknown[], limit, after === undefined),
    };
  }
}

/** Where the next page begins: at the outermost number of a full page. */
function edgeOf(list: readonly unknown[], limit: number, first: boolean): number | undefined {
  if (list.length < limit) return undefined;
  const numbers = list.map((item) => fieldsOf(item)["seq"]).filter(isCount);
  return first ? numbers[0] : numbers.at(-1);
}
