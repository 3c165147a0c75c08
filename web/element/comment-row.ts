/** One row of the list: plain DOM, text only through `textContent`. */

import type { Item } from "./comment-store.ts";
import { icons } from "./icons.ts";
import { linkify } from "./linkify.ts";
import { hueOf } from "./name-colour.ts";
import type { Strings } from "./strings.ts";
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

type Child = Node | string | undefined;

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** Text with its links. */
export function renderText(text: string): Node[] {
  return linkify(cleanText(text)).map(({ text: shown, href }) =>
    href === undefined
      ? document.createTextNode(shown)
      : element("a", { href, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, shown),
  );
}

export function createRow(item: Item, context: RowContext): HTMLLIElement {
  const row = element("li", {
    class: "row",
    part: "comment",
    tabindex: "-1",
    "data-key": item.key,
  });
  fillRow(row, item, context);
  return row;
}

/** Puts the item into the row again: its state or the language changed. */
export function fillRow(row: HTMLLIElement, item: Item, context: RowContext): void {
  const { strings, me } = context;
  const { author } = item;
  const name = cleanText(author.name);
  const own = me?.id === author.id;
  row.dataset.state = item.state;
  row.dataset.role = author.role;
  row.style.setProperty("--hue", String(hueOf(author.id)));
  row.classList.toggle("own", own);
  row.classList.toggle("mention", !own && mentions(item.text, me?.name));
  const time = element(
    "time",
    { datetime: new Date(item.at).toISOString() },
    strings.time(item.at),
  );
  const replied = item.replyTo === undefined ? undefined : context.nameOf(item.replyTo);
  const badge = author.role === "host" || author.role === "moderator" ? author.role : undefined;
  const text = element(
    "span",
    { class: "text", part: "text", dir: "auto" },
    ...renderText(item.text),
  );
  row.replaceChildren(
    element("span", { class: "avatar", part: "avatar", "aria-hidden": "true" }, initialOf(name)),
    element(
      "div",
      { class: "body" },
      element(
        "div",
        { class: "by" },
        element("bdi", { class: "name", part: "name" }, name),
        badge && element("span", { class: `badge ${badge}`, part: "badge" }, strings.t(badge)),
        own ? element("span", { class: "badge", part: "badge" }, strings.t("you")) : undefined,
        time,
      ),
      replied === undefined
        ? undefined
        : element("span", { class: "reply" }, "↪ ", element("bdi", {}, cleanText(replied))),
      text,
      ...(item.state === "failed" ? [failure(item, strings)] : []),
    ),
  );
  if (item.state === "sending")
    text.after(element("span", { class: "hidden" }, strings.t("sending")));
  if (item.seq !== undefined && !context.readOnly) {
    const label = strings.t("actions", { name });
    const more = element("button", {
      class: "icon more",
      type: "button",
      tabindex: "-1",
      "data-action": "menu",
      "aria-label": label,
    });
    more.append(svg(icons.more));
    row.append(more);
  }
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
