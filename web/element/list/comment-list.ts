/**
 * The list on the screen. It shows a window of the store: the end while it follows, and what the
 * reader looks at while it is paused. Lit renders the frame around it and never touches the rows.
 *
 * Why plain DOM: 200 rows with one insertion per tick cost less than any virtual list, and keep
 * find-in-page, selection and reading order.
 */

import { tried } from "@ovation/client/tried";
import { FOLLOW_DISTANCE_PX, ROWS_MAX } from "../limits.ts";
import { Row, type RowContext } from "./comment-row.ts";
import type { Item } from "./comment-store.ts";
import { SpareRows } from "./spare-rows.ts";

export class CommentList {
  /** Following shows new comments as they come; paused counts them. */
  following = true;
  readonly #scroller: HTMLElement;
  readonly #rows: HTMLElement;
  readonly #context: () => RowContext;
  readonly #changed: () => void;
  readonly #skipped: (error: unknown) => void;
  readonly #shown = new Map<string, { row: Row; item: Item }>();
  /** Rows that left the list, to be filled again. */
  readonly #spare = new SpareRows<Row>();
  /** What could not be shown is tried once. */
  readonly #unshowable = new WeakSet<Item>();
  /** Where the scroller was when we last looked: what differs from it was moved by the reader. */
  #top = 0;
  #held = false;
  readonly #observer: ResizeObserver | undefined;

  /** `changed`: following has started or ended. `skipped`: an item cannot be shown. */
  constructor(
    scroller: HTMLElement,
    rows: HTMLElement,
    context: () => RowContext,
    changed: () => void,
    skipped: (error: unknown) => void,
  ) {
    this.#scroller = scroller;
    this.#rows = rows;
    this.#context = context;
    this.#changed = changed;
    this.#skipped = skipped;
    scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    scroller.addEventListener(
      "wheel",
      ({ deltaY }) => deltaY < 0 && this.#top > 0 && this.#follow(false),
      { passive: true },
    );
    const resized = (): void => {
      this.#onScroll();
      if (this.following) this.#toEnd();
    };
    this.#observer = tried(() => new ResizeObserver(resized));
    this.#observer?.observe(scroller);
    this.#observer?.observe(rows);
  }

  close(): void {
    this.#observer?.disconnect();
  }

  /** The first stored number on the screen. */
  get firstSeq(): number | undefined {
    return this.#items().find((item) => item.seq !== undefined)?.seq;
  }

  /** The newest number on the screen: what is beyond it is new to the reader. */
  get lastSeq(): number {
    return Math.max(0, ...this.#items().map((item) => item.seq ?? 0));
  }

  item(key: string | undefined): Item | undefined {
    return key === undefined ? undefined : this.#shown.get(key)?.item;
  }

  /** The pause button: the list stays paused at its end, until the reader resumes it. */
  hold(): void {
    this.#held = true;
    this.#follow(false);
  }

  resume(): void {
    this.#held = false;
    this.#follow(true);
  }

  /** Shows the store's items while the list follows; else only changes of those on the screen. */
  sync(items: readonly Item[]): void {
    // The reader may have scrolled in this frame, before the scroll event.
    this.#onScroll();
    if (this.following) {
      this.#render(items);
      this.#toEnd();
      return;
    }
    const present = new Map(items.map((item) => [item.key, item]));
    const oldest = items[0]?.seq ?? Number.POSITIVE_INFINITY;
    for (const [key, { row, item }] of this.#shown) {
      const now = present.get(key);
      if (now !== undefined) this.#update(key, now);
      // Removed under the reader's eyes: it vanishes but keeps its height, so that nothing jumps.
      else if ((item.seq ?? oldest) >= oldest) row.element.classList.add("gone");
    }
  }

  /** Takes a comment off the screen. */
  remove(seq: number): void {
    const row = this.#shown.get(this.#items().find((item) => item.seq === seq)?.key ?? "")?.row;
    row?.element.classList.add("gone");
  }

  /** Puts earlier comments before those on the screen; what the reader sees stays where it is. */
  prepend(earlier: readonly Item[]): void {
    this.#follow(false);
    const before = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    const items = this.#items();
    this.#render([...earlier, ...items]);
    this.#scroller.scrollTop = this.#scroller.scrollHeight - before;
    // The far end goes: it comes back from the store when the reader returns to it.
    this.#render([...earlier, ...items].slice(0, ROWS_MAX));
    this.#top = this.#scroller.scrollTop;
  }

  /** Renders every row again: the language, the reader or their rights changed. */
  refresh(): void {
    const context = this.#context();
    for (const { row, item } of this.#shown.values()) this.#fill(row, item, context);
  }

  /** Moves the focus by rows, as a reader does with the arrow keys. */
  focusRow(move: "up" | "down" | "first" | "last", from: Element | null): void {
    const rows = [...this.#rows.children].filter(
      (row): row is HTMLElement => row instanceof HTMLElement && !row.classList.contains("gone"),
    );
    const index = rows.findIndex((row) => row.contains(from));
    const last = rows.length - 1;
    const target = {
      first: 0,
      last,
      up: index < 0 ? last : Math.max(0, index - 1),
      down: index < 0 ? last : Math.min(last, index + 1),
    }[move];
    const row = rows[target];
    if (row === undefined) return;
    if (target < last) this.#follow(false);
    row.focus({ preventScroll: true });
    // Only the list scrolls: scrollIntoView would move the page and push the video away.
    const { top, bottom } = row.getBoundingClientRect();
    const view = this.#scroller.getBoundingClientRect();
    if (top < view.top) this.#scroller.scrollTop -= view.top - top + 8;
    else if (bottom > view.bottom) this.#scroller.scrollTop += bottom - view.bottom + 8;
  }

  #items(): Item[] {
    return [...this.#shown.values()].map(({ item }) => item);
  }

  #update(key: string, item: Item): void {
    const shown = this.#shown.get(key);
    if (shown === undefined || shown.item === item) return;
    const same =
      shown.item.state === item.state &&
      shown.item.text === item.text &&
      shown.item.seq === item.seq;
    shown.item = item;
    if (!same) this.#fill(shown.row, item, this.#context());
  }

  /** False where the item cannot be shown: it is left out, and the others are not. */
  #fill(row: Row, item: Item, context: RowContext): boolean {
    try {
      row.fill(item, context);
      return true;
    } catch (error) {
      row.element.classList.add("gone");
      this.#unshowable.add(item);
      this.#skipped(error);
      return false;
    }
  }

  /** A row with the item, one that was used before where there is one. */
  #take(item: Item, context: RowContext): Row | undefined {
    if (this.#unshowable.has(item)) return undefined;
    const row = this.#spare.take() ?? new Row();
    row.element.classList.remove("gone");
    if (this.#fill(row, item, context)) return row;
    this.#put(row);
    return undefined;
  }

  #put(row: Row): void {
    row.element.remove();
    this.#spare.put(row);
  }

  /** Keyed: rows that stay keep their element. One insertion for all new rows at the end. */
  #render(items: readonly Item[]): void {
    const keys = new Set(items.map((item) => item.key));
    for (const [key, { row }] of this.#shown) {
      if (keys.has(key)) continue;
      // The focus never falls off the page with a row.
      if (row.element.matches(":focus-within")) this.#scroller.focus({ preventScroll: true });
      this.#shown.delete(key);
      this.#put(row);
    }
    const previous = new Map(this.#shown);
    this.#shown.clear();
    let next = this.#rows.firstElementChild;
    let fragment = document.createDocumentFragment();
    const insert = (): void => {
      if (fragment.childElementCount === 0) return;
      this.#rows.insertBefore(fragment, next);
      fragment = document.createDocumentFragment();
    };
    const context = this.#context();
    for (const item of items) {
      const known = previous.get(item.key);
      if (known === undefined) {
        const row = this.#take(item, context);
        if (row === undefined) continue;
        this.#shown.set(item.key, { row, item });
        fragment.append(row.element);
        continue;
      }
      this.#shown.set(item.key, known);
      this.#update(item.key, item);
      const { element } = known.row;
      if (element === next) {
        insert();
        next = element.nextElementSibling;
      } else {
        fragment.append(element);
      }
    }
    insert();
  }

  #toEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#top = this.#scroller.scrollTop;
  }

  #onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const moved = scrollTop - this.#top;
    const distance = scrollHeight - scrollTop - clientHeight;
    this.#top = scrollTop;
    // Upwards, but still at the end: the list grew taller, the reader did not scroll.
    if (moved < -1 && distance > 1) this.#follow(false);
    else if (moved > 1 && !this.#held && distance <= FOLLOW_DISTANCE_PX) this.#follow(true);
  }

  #follow(following: boolean): void {
    if (this.following === following) return;
    this.following = following;
    this.#changed();
  }
}
