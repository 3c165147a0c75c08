/** What opens on demand: the settings, and the actions of one comment. Loaded when first opened. */

import type { Author } from "@ovation/client";
import { html, nothing, type TemplateResult } from "lit/html.js";
import type { Me } from "../identity.ts";
import type { Item } from "../list/comment-store.ts";
import { cleanText } from "../list/text.ts";
import { ANNOUNCE_MODES, type AnnounceMode } from "../platform/announcer.ts";
import { copyText } from "../platform/clipboard.ts";
import type { Strings } from "../strings.ts";
import { type MenuKey, menuEnglish } from "./menu-words.ts";

function words(strings: Strings, key: MenuKey, values?: { readonly name: string }): string {
  return strings.t(key, values, menuEnglish[key]);
}

export interface SettingsModel {
  readonly strings: Strings;
  readonly me: Me | undefined;
  /** The reader is a guest, who may take another name. */
  readonly guest: boolean;
  readonly announce: AnnounceMode;
  /** Undefined where the host page has hidden reactions. */
  readonly hearts: boolean | undefined;
  setAnnounce(mode: AnnounceMode): void;
  setHearts(on: boolean): void;
  changeName(): void;
}

export function renderSettings(model: SettingsModel): TemplateResult {
  const { strings, me } = model;
  return html`${
    me === undefined
      ? nothing
      : html`<p class="who"><span>${words(strings, "commentingAs", { name: cleanText(me.name) })}${
          me.role === "guest" ? ` · ${strings.t("guest")}` : nothing
        }</span>${
          model.guest
            ? html`<button class="link" @click=${() =>
                model.changeName()}>${words(strings, "changeName")}</button>`
            : nothing
        }</p>`
  }${
    model.hearts === undefined
      ? nothing
      : html`<label class="switch"><span>${words(strings, "hearts")}</span><input type="checkbox"
        role="switch" .checked=${model.hearts}
          @change=${(event: Event) =>
            model.setHearts((event.currentTarget as HTMLInputElement).checked)}></label>`
  }<fieldset><legend>${words(strings, "announce")}</legend>${ANNOUNCE_MODES.map(
    (mode) => html`<label><input type="radio" name="announce" .checked=${mode === model.announce}
    @change=${() => model.setAnnounce(mode)}>
      <span>${words(strings, `announce-${mode}`)}</span></label>`,
  )}</fieldset>`;
}

export interface ActionsModel {
  readonly strings: Strings;
  readonly me: Me | undefined;
  /** Closes the menu; the focus goes back to where it was opened. */
  close(): void;
  reply(item: Item): void;
  remove(item: Item): void;
  /** How one writes to a comment's author, if one may. */
  messageTo(author: Author): (() => void) | undefined;
  /** Says why an action came to nothing: a code as in docs/errors.md, or `copy`. */
  failed(code: string): void;
}

export function renderActions(item: Item, model: ActionsModel): TemplateResult {
  const { strings, me } = model;
  const own = me?.id === item.author.id;
  const mayRemove = own || me?.role === "host" || me?.role === "moderator";
  const message = own ? undefined : model.messageTo(item.author);
  const action = (label: string, run: () => unknown, kind = ""): TemplateResult =>
    html`<button role="menuitem" class=${kind} @click=${() => {
      model.close();
      run();
    }}>${label}</button>`;
  const guest =
    item.author.role === "guest"
      ? html`<p class="guest"><bdi>${cleanText(item.author.name)}</bdi> · ${strings.t("guest")}</p>`
      : nothing;
  return html`${
    guest
  }<div role="menu" aria-label=${strings.t("actions", { name: cleanText(item.author.name) })}
    @keydown=${moveInMenu}>${action(words(strings, "reply"), () => model.reply(item))}${action(
      words(strings, "copy"),
      async () => (await copyText(item.text)) || model.failed("copy"),
    )}${message === undefined ? nothing : action(words(strings, "message"), message)}${
      mayRemove
        ? action(words(strings, own ? "delete" : "remove"), () => model.remove(item), "danger")
        : nothing
    }</div>`;
}

function moveInMenu(event: KeyboardEvent): void {
  const entries = [...(event.currentTarget as HTMLElement).querySelectorAll("button")];
  const index = entries.indexOf(event.target as HTMLButtonElement);
  const target = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: entries.length - 1 }[
    event.key
  ];
  if (target === undefined) return;
  event.preventDefault();
  entries[(target + entries.length) % entries.length]?.focus();
}
