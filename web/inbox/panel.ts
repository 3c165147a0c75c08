/** The panel's first page: conversations and notifications. Every decision comes with the model. */

import type { Notice } from "@ovation/client";
import { html, nothing, type TemplateResult } from "lit/html.js";
import { cleanText } from "../element/list/text.ts";
import { type Entry, unreadOf } from "./conversations.ts";
import { describe, isolate, renderBadge } from "./describe.ts";
import { icon, type icons, renderAvatar, renderGuest } from "./people.ts";
import type { Words } from "./words.ts";

export type Tab = "messages" | "activity";

export interface PanelModel {
  readonly words: Words;
  readonly now: number;
  readonly me: string;
  readonly state: "loading" | "ready" | "failed";
  readonly tab: Tab;
  readonly conversations: readonly Entry[];
  readonly unread: number;
  readonly notices: readonly Notice[];
  readonly unseen: number;
  /** Notices up to this number were not new when the tab was opened. */
  readonly seen: number;
  choose(tab: Tab): void;
  open(entry: Entry): void;
  retry(): void;
  close(): void;
}

export function renderPanel(model: PanelModel): TemplateResult {
  const { words, tab } = model;
  return html`<div class="head"><h2>${words.t("inbox")}</h2><button class="icon"
    aria-label=${words.t("close")} @click=${() => model.close()}>${icon("close")}</button></div>
    <div class="tabs" role="tablist" aria-label=${words.t("inbox")}
      @keydown=${(event: KeyboardEvent) => switchByKey(event, model)}>
      ${renderTab(model, "messages", model.unread)}${renderTab(model, "activity", model.unseen)}
    </div>
    <div class="page" id="page" role="tabpanel" aria-labelledby=${`tab-${tab}`}
      tabindex="0">${tab === "messages" ? renderConversations(model) : renderNotices(model)}</div>`;
}

function renderTab({ words, tab, choose }: PanelModel, name: Tab, count: number): TemplateResult {
  const chosen = tab === name;
  return html`<button role="tab" id=${`tab-${name}`} aria-controls="page"
    aria-selected=${chosen ? "true" : "false"} tabindex=${chosen ? 0 : -1}
    @click=${() => choose(name)}>${words.t(name)}${renderBadge(words, count)}</button>`;
}

function switchByKey(event: KeyboardEvent, { tab, choose }: PanelModel): void {
  if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
  event.preventDefault();
  const list = event.currentTarget as HTMLElement;
  choose(tab === "messages" ? "activity" : "messages");
  for (const button of list.querySelectorAll("button")) if (button !== event.target) button.focus();
}

function renderConversations(model: PanelModel): TemplateResult {
  const { words, conversations, state } = model;
  if (conversations.length > 0)
    return html`<ul class="people">${conversations.map((entry) => renderEntry(model, entry))}</ul>`;
  if (state === "ready")
    return renderEmpty("inbox", words.t("noMessages"), words.t("noMessagesHint"));
  return renderWaiting(model);
}

function renderWaiting({
  words,
  state,
  retry,
}: Pick<PanelModel, "words" | "state" | "retry">): TemplateResult {
  if (state === "failed")
    return html`<div class="empty">${icon("inbox")}<b>${words.t("failed")}</b><button class="quiet"
      @click=${() => retry()}>${words.t("retry")}</button></div>`;
  return html`<div class="skeleton" aria-hidden="true">${[58, 74, 46].map(
    (width) => html`<i><b
    .style=${`--width:${width}%`}></b></i>`,
  )}</div><p class="hidden"
    role="status">${words.t("loading")}</p>`;
}

function renderEmpty(name: keyof typeof icons, title: string, hint: string): TemplateResult {
  return html`<div class="empty">${icon(name)}<b>${title}</b><span>${hint}</span></div>`;
}

function renderEntry({ words, now, me, open }: PanelModel, entry: Entry): TemplateResult {
  const unread = unreadOf(entry);
  const online = entry.presence?.online === true;
  const text = cleanText(entry.last.text);
  return html`<li><button class=${unread > 0 ? "entry new" : "entry"} data-with=${entry.id}
    @click=${() => open(entry)}>
    ${renderAvatar(entry, online)}
    <span class="who"><bdi>${cleanText(entry.name)}</bdi>${renderGuest(words, entry.id)}${
      online
        ? html`<span
    class="hidden">${words.t("online")}</span>`
        : nothing
    }</span>
    <time datetime=${new Date(
      entry.last.at,
    ).toISOString()}>${words.brief(entry.last.at, now)}</time>
    ${
      entry.typingUntil > now
        ? html`<span class="what typing">${words.t("typing")}</span>`
        : html`<span class="what" dir=${entry.last.from === me ? "" : "auto"}>${
            entry.last.from === me ? words.t("you", { text: isolate(text) }) : text
          }</span>`
    }
    ${
      unread === 0
        ? nothing
        : html`<span
    aria-hidden="true">${renderBadge(words, unread)}</span><span
    class="hidden">${words.t("unread", { n: unread })}</span>`
    }
  </button></li>`;
}

function renderNotices({ words, now, notices, seen, state, retry }: PanelModel): TemplateResult {
  if (notices.length > 0)
    return html`<ul class="notices">${notices.map((notice, index) =>
      renderNotice(words, now, notice, notice.seq > seen, isOver(notice, notices.slice(0, index))),
    )}</ul>`;
  if (state === "ready")
    return renderEmpty("bell", words.t("noActivity"), words.t("noActivityHint"));
  return renderWaiting({ words, state, retry });
}

/** A sanction that a later decision replaced or lifted. */
function isOver({ data: { video } }: Notice, later: readonly Notice[]): boolean {
  return later.some(
    ({ data }) => ["timed-out", "banned", "restored"].includes(data.kind) && data.video === video,
  );
}

function renderNotice(
  words: Words,
  now: number,
  { at, data }: Notice,
  fresh: boolean,
  over: boolean,
): TemplateResult {
  const { title, detail, picture } = describe(words, now, data, over);
  return html`<li class=${fresh ? "notice new" : "notice"}>${
    picture
  }<div><b>${title}</b>${detail === "" ? nothing : html`<p dir="auto">${detail}</p>`}
    <time datetime=${new Date(at).toISOString()}>${words.moment(at, now)}</time></div></li>`;
}
