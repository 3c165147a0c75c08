/**
 * One row of the list: plain DOM, text only through text nodes. A row is filled again with another
 * comment when its own has left the list, and sets no style of its own: WebKit keeps the styles of
 * elements that are thrown away.
 */

import { icons } from "../icons.ts";
import type { Strings } from "../strings.ts";
import type { Item } from "./comment-store.ts";
import { element, renderText, setText } from "./comment-text.ts";
import { hueOf } from "./name-colour.ts";
import { cleanText, initialOf, mentions } from "./text.ts";

export interface RowContext {
  readonly strings: Strings;
  /** The reader, where known. */
  readonly me: { readonly id: string; readonly name: string } | undefined;
  readonly readOnly: boolean;
  /** Who wrote the comment that is answered. */
  nameOf(seq: number): string | undefined;
}

/** What the buttons of a row ask for, by their `data-action`. */
export type RowAction = "menu" | "retry" | "discard";

export class Row {
  readonly element = element("li", { class: "row", part: "comment", tabindex: "-1" });
  readonly #avatar = element("span", { class: "avatar", part: "avatar", "aria-hidden": "true" });
  readonly #name = element("bdi", { class: "name", part: "name" });
  readonly #time = element("time");
  readonly #by = element("div", { class: "by" }, this.#name, this.#time);
  readonly #text = element("span", { class: "text", part: "text", dir: "auto" });
  readonly #body = element("div", { class: "body" }, this.#by, this.#text);
  /** Made when a comment first needs them, and kept. */
  #role: HTMLElement | undefined;
  #you: HTMLElement | undefined;
  #replied: HTMLElement | undefined;
  #sending: HTMLElement | undefined;
  #failure: HTMLElement | undefined;
  #more: HTMLButtonElement | undefined;

  constructor() {
    this.element.append(this.#avatar, this.#body);
  }

  /** Shows the item. Throws where it cannot be shown; the row is then filled again or dropped. */
  fill(item: Item, context: RowContext): void {
    const { strings, me } = context;
    const { author } = item;
    const name = cleanText(author.name);
    const own = me?.id === author.id;
    const row = this.element;
    row.dataset.key = item.key;
    row.dataset.state = item.state;
    row.dataset.role = author.role;
    row.dataset.hue = String(hueOf(author.id));
    row.classList.toggle("own", own);
    row.classList.toggle("mention", !own && mentions(item.text, me?.name));
    setText(this.#avatar, initialOf(name));
    setText(this.#name, name);
    this.#time.dateTime = new Date(item.at).toISOString();
    setText(this.#time, strings.time(item.at));
    this.#fillBadges(item, own, strings);
    this.#fillReply(item, context);
    this.#fillText(item.text);
    this.#fillState(item, strings);
    this.#fillMenu(item, name, context);
  }

  #fillBadges({ author: { role } }: Item, own: boolean, strings: Strings): void {
    if (role === "member") this.#role?.remove();
    else {
      this.#role ??= element("span", { part: "badge" });
      this.#role.className = `badge ${role}`;
      setText(this.#role, strings.t(role));
      this.#name.after(this.#role);
    }
    if (own) {
      this.#you ??= element("span", { class: "badge", part: "badge" });
      setText(this.#you, strings.t("you"));
      this.#time.before(this.#you);
    } else this.#you?.remove();
  }

  #fillReply({ replyTo }: Item, context: RowContext): void {
    const name = replyTo === undefined ? undefined : context.nameOf(replyTo);
    if (name === undefined) {
      this.#replied?.remove();
      return;
    }
    this.#replied ??= element("span", { class: "reply" }, "↪ ", element("bdi"));
    const [bdi] = this.#replied.children;
    if (bdi !== undefined) setText(bdi, cleanText(name));
    this.#text.before(this.#replied);
  }

  #fillText(text: string): void {
    const nodes = renderText(text);
    const [only] = nodes;
    if (nodes.length === 1 && only instanceof Text) setText(this.#text, only.data);
    else this.#text.replaceChildren(...nodes);
  }

  #fillState(item: Item, strings: Strings): void {
    if (item.state === "sending") {
      this.#sending ??= element("span", { class: "hidden" });
      setText(this.#sending, strings.t("sending"));
      this.#body.append(this.#sending);
    } else this.#sending?.remove();
    this.#failure?.remove();
    this.#failure = item.state === "failed" ? failure(item, strings) : undefined;
    if (this.#failure !== undefined) this.#body.append(this.#failure);
  }

  #fillMenu({ seq }: Item, name: string, { readOnly, strings }: RowContext): void {
    if (seq === undefined || readOnly) {
      this.#more?.remove();
      return;
    }
    this.#more ??= moreButton();
    this.#more.setAttribute("aria-label", strings.t("actions", { name }));
    this.element.append(this.#more);
  }
}

function moreButton(): HTMLButtonElement {
  const button = element("button", {
    class: "icon more",
    type: "button",
    tabindex: "-1",
    "data-action": "menu",
  });
  button.append(svg(icons.more));
  return button;
}

function failure(item: Item, strings: Strings): HTMLElement {
  return element(
    "div",
    { class: "failure" },
    `${strings.t("notSent")} ${strings.problem(item.problem)} `,
    element("button", { type: "button", "data-action": "retry" }, strings.t("retry")),
    element("button", { type: "button", "data-action": "discard" }, strings.t("discard")),
  );
}

function svg(path: string): SVGElement {
  const image = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  image.setAttribute("viewBox", "0 0 24 24");
  image.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  image.append(shape);
  return image;
}
