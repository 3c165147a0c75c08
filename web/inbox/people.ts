/** A member as the inbox shows them: a coloured letter, with a dot while online. */

import { html, nothing, type TemplateResult } from "lit/html.js";
import { hueOf } from "../element/list/name-colour.ts";
import { initialOf } from "../element/list/text.ts";
import type { Words } from "./words.ts";

export const icons = {
  inbox: "M4 6.500h16v11H4zM4.500 7.500 12 13l7.500-5.500",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14.500 5.500 8 12l6.500 6.500",
  send: "M5 12h14M12.500 5.500 19 12l-6.500 6.500",
  bell: "M6.500 16v-5a5.500 5.500 0 0 1 11 0v5l1.500 2H5zM10 20.500h4",
  removed: "M5 7h14M10 7V4.500h4V7M7 7l1 12.500h8L17 7",
  reply: "M9.500 7 5 11.500 9.500 16M5 11.500h9a5 5 0 0 1 5 5V18",
  pause: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 8v4.500l3 2",
  restored: "M5 12.500 10 17.500 19 7.500",
} as const;

export function icon(name: keyof typeof icons): TemplateResult {
  return html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d=${icons[name]}></path></svg>`;
}

/** Ids of guests begin with this, and no others do: the server enforces it. */
const GUEST_ID_PREFIX = "guest-";

export function isGuest(id: string): boolean {
  return id.startsWith(GUEST_ID_PREFIX);
}

/** The mark beside a name that a guest chose. */
export function renderGuest(words: Words, id: string): TemplateResult | typeof nothing {
  return isGuest(id) ? html`<small class="guest"> · ${words.t("guest")}</small>` : nothing;
}

export function renderAvatar(
  { id, name }: { readonly id: string; readonly name: string },
  online = false,
): TemplateResult {
  return html`<span class="avatar" aria-hidden="true"
    data-hue=${hueOf(id)}>${initialOf(name)}${
      online
        ? html`<i
    class="online"></i>`
        : nothing
    }</span>`;
}
