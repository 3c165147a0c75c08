/** Text of a comment or message as DOM: never more than text and links. */

import { linkify } from "./linkify.ts";
import { cleanText } from "./text.ts";

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

/** Sets the text of an element; reuses its text node where it has one. */
export function setText(target: Element, text: string): void {
  const { firstChild } = target;
  if (firstChild instanceof Text && firstChild.nextSibling === null) {
    if (firstChild.data !== text) firstChild.data = text;
  } else target.textContent = text;
}
