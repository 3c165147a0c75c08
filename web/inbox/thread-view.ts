/** The panel's second page: one conversation. Every decision comes with the model. */

import { html, nothing, type TemplateResult } from "lit/html.js";
import { renderText } from "../element/list/comment-text.ts";
import { cleanText, countCodePoints } from "../element/list/text.ts";
import { isSend } from "../element/platform/keys.ts";
import type { Entry } from "./conversations.ts";
import { isolate } from "./describe.ts";
import { COUNTER_FROM_LEFT, GROUP_MS, MESSAGE_CODE_POINTS_MAX } from "./limits.ts";
import { icon, renderAvatar, renderGuest } from "./people.ts";
import type { Bubble, Thread } from "./thread.ts";
import { daysBetween, type Words } from "./words.ts";

export interface ThreadModel {
  readonly words: Words;
  readonly now: number;
  readonly entry: Entry;
  readonly thread: Thread;
  readonly state: "loading" | "ready" | "failed";
  readonly loadingEarlier: boolean;
  /** The text in the field. */
  readonly draft: string;
  write(text: string): void;
  send(): void;
  resend(bubble: Bubble): void;
  discard(bubble: Bubble): void;
  loadEarlier(): void;
  retry(): void;
  back(): void;
  close(): void;
}

export function renderThread(model: ThreadModel): TemplateResult {
  const { words, entry } = model;
  const name = cleanText(entry.name);
  const typing = entry.typingUntil > model.now;
  return html`<div class="head with"><button class="icon back" aria-label=${words.t("back")}
    @click=${() => model.back()}>${icon("back")}</button>
      ${renderAvatar(entry, entry.presence?.online)}<div><h2><bdi>${
        name
      }</bdi>${renderGuest(words, entry.id)}</h2><p
      class="presence">${presenceOf(model)}</p></div>
      <button class="icon" aria-label=${words.t("close")}
        @click=${() => model.close()}>${icon("close")}</button></div>
    <div class="page talk" tabindex="0" role="region"
      aria-label=${words.t("conversation", { name })}>
      ${renderTop(model)}
      <ol>${model.thread.bubbles.map((bubble, index, all) =>
        renderBubble(model, bubble, all[index - 1], all[index + 1]),
      )}</ol>
      <p class="dots" ?hidden=${!typing} role="status">${
        typing
          ? html`<i></i><i></i><i></i><span
        class="hidden">${words.t("isTyping", { name })}</span>`
          : nothing
      }</p>
    </div>
    ${renderComposer(model, name)}`;
}

function presenceOf({ words, now, entry }: ThreadModel): string {
  if (entry.typingUntil > now) return words.t("typing");
  if (entry.presence === undefined) return "";
  if (entry.presence.online) return words.t("online");
  const { seenAt } = entry.presence;
  return seenAt === undefined ? "" : words.t("lastSeen", { text: words.moment(seenAt, now) });
}

function renderTop(model: ThreadModel): TemplateResult {
  const { words, thread, state, entry } = model;
  if (thread.bubbles.length === 0 && state === "loading")
    return html`<p class="beginning" role="status">${words.t("loading")}</p>`;
  if (thread.bubbles.length === 0 && state === "failed")
    return html`<div class="empty"><b>${words.t("failed")}</b><button class="quiet"
      @click=${() => model.retry()}>${words.t("retry")}</button></div>`;
  return thread.hasEarlier
    ? html`<button class="quiet earlier" ?disabled=${model.loadingEarlier}
      @click=${() => model.loadEarlier()}>${words.t("earlier")}</button>`
    : html`<p class="beginning">${words.t("beginning", { name: isolate(entry.name) })}</p>`;
}

function renderBubble(
  model: ThreadModel,
  bubble: Bubble,
  before: Bubble | undefined,
  after: Bubble | undefined,
): TemplateResult {
  const { words, now } = model;
  const newDay = before === undefined || daysBetween(before.at, bubble.at) !== 0;
  const last =
    after === undefined ||
    after.own !== bubble.own ||
    after.at - bubble.at > GROUP_MS ||
    daysBetween(bubble.at, after.at) !== 0;
  const classes = `${bubble.own ? "own" : "theirs"} ${bubble.state}${last ? " last" : ""}`;
  return html`${
    newDay ? html`<li class="day"><span>${words.day(bubble.at, now)}</span></li>` : nothing
  }<li
  class=${classes}>
    <div class="bubble" dir="auto">${renderText(bubble.text)}</div>${
      bubble.state === "failed"
        ? renderFailure(model, bubble)
        : last
          ? renderMeta(model, bubble, after === undefined)
          : nothing
    }</li>`;
}

/** The time, and under the member's newest message its receipt. */
function renderMeta(
  { words, entry }: ThreadModel,
  bubble: Bubble,
  newest: boolean,
): TemplateResult {
  const time = html`<time datetime=${new Date(
    bubble.at,
  ).toISOString()}>${words.time(bubble.at)}</time>`;
  if (!bubble.own || !newest) return html`<p class="meta">${time}</p>`;
  return html`<p class="meta">${time} · <span
    class="receipt">${words.t(receiptOf(bubble, entry))}</span></p>`;
}

function receiptOf({ n }: Bubble, { other }: Entry): "sending" | "sent" | "delivered" | "seen" {
  if (n === undefined) return "sending";
  if (other.seen >= n) return "seen";
  return other.delivered >= n ? "delivered" : "sent";
}

function renderFailure({ words, resend, discard }: ThreadModel, bubble: Bubble): TemplateResult {
  return html`<p class="meta failure" role="alert">${words.t(
    "notSent",
  )} ${words.problem(bubble.problem)}
    <button @click=${() => resend(bubble)}>${words.t("retry")}</button><button
      @click=${() => discard(bubble)}>${words.t("discard")}</button></p>`;
}

/** Code points that the message may still have; negative where it has too many. */
export function charactersLeft(draft: string): number {
  return MESSAGE_CODE_POINTS_MAX - countCodePoints(draft.trim());
}

function renderComposer(model: ThreadModel, name: string): TemplateResult {
  const { words, draft } = model;
  const left = charactersLeft(draft);
  return html`<form @submit=${(event: Event) => {
    event.preventDefault();
    model.send();
  }}>
    <div class="field"><textarea rows="1" dir=${draft === "" ? "" : "auto"}
      aria-label=${words.t("message", { name })} placeholder=${words.t("placeholder")}
      enterkeyhint="send" aria-invalid=${left < 0 ? "true" : "false"} .value=${draft}
      @input=${(event: InputEvent) =>
        model.write((event.currentTarget as HTMLTextAreaElement).value)}
      @keydown=${(event: KeyboardEvent) => {
        if (!isSend(event)) return;
        event.preventDefault();
        model.send();
      }}></textarea><button class="send" @click=${(event: Event) => {
        // A sandboxed frame submits no form.
        event.preventDefault();
        model.send();
      }} aria-label=${words.t(
        "send",
      )} ?disabled=${draft.trim() === "" || left < 0}>${icon("send")}</button></div>
    <p class=${left < 0 ? "under failure" : "under"}
      ?hidden=${left > COUNTER_FROM_LEFT}>${
        left < 0 ? words.t("over", { n: -left }) : words.t("left", { n: left })
      }</p>
  </form>`;
}
