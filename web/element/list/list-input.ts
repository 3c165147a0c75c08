/** Keys and presses on the list: moving by rows, opening a row's menu, retrying a comment. */

import type { CommentList } from "./comment-list.ts";
import type { Item } from "./comment-store.ts";

export interface ListInputCallbacks {
  open(item: Item, opener: HTMLElement): void;
  retry(item: Item): void;
  discard(item: Item): void;
  resume(): void;
}

const MOVES: Readonly<Record<string, "up" | "down" | "first" | "last">> = {
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "first",
  End: "last",
};

export class ListInput {
  readonly #scroller: HTMLElement;
  readonly #list: CommentList;
  readonly #callbacks: ListInputCallbacks;

  constructor(scroller: HTMLElement, list: CommentList, callbacks: ListInputCallbacks) {
    this.#scroller = scroller;
    this.#list = list;
    this.#callbacks = callbacks;
    scroller.addEventListener("keydown", (event) => this.#key(event));
    scroller.addEventListener("click", (event) =>
      this.#press(
        event,
        event.target instanceof Element ? event.target.closest("[data-action]") : null,
      ),
    );
    // A long press on a row is the menu of touch; the button is there as well.
    scroller.addEventListener("contextmenu", (event) => {
      if (
        !(
          event instanceof PointerEvent &&
          event.pointerType === "touch" &&
          event.target instanceof Element
        )
      )
        return;
      this.#press(event, event.target.closest("li")?.querySelector("[data-action=menu]") ?? null);
    });
  }

  #press(event: Event, button: Element | null): void {
    const item = this.#list.item(button?.closest("li")?.dataset["key"]);
    if (!(button instanceof HTMLElement) || item === undefined) return;
    event.preventDefault();
    const action = button.dataset["action"];
    if (action === "menu") this.#callbacks.open(item, button);
    if (action === "retry") this.#callbacks.retry(item);
    if (action === "discard") this.#callbacks.discard(item);
  }

  #key(event: KeyboardEvent): void {
    const root = this.#scroller.getRootNode();
    const focused = root instanceof ShadowRoot ? root.activeElement : null;
    const move = MOVES[event.key];
    if (move !== undefined) {
      event.preventDefault();
      if (move === "last") this.#callbacks.resume();
      this.#list.focusRow(move, focused);
    } else if (event.key === "Escape") {
      this.#scroller.focus({ preventScroll: true });
    } else if (
      focused?.matches("li") &&
      (event.key === "Enter" ||
        event.key === "ContextMenu" ||
        (event.key === "F10" && event.shiftKey))
    ) {
      event.preventDefault();
      focused.querySelector<HTMLElement>("[data-action=menu]")?.click();
    }
  }
}
