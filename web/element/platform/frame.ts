/** The frame around the list, as Lit templates: every decision comes in with the model. */

import { html, nothing, type TemplateResult } from "lit/html.js";
import { icon } from "../icons.ts";
import { NEW_COUNT_SHOWN_MAX } from "../limits.ts";
import type { Item } from "../list/comment-store.ts";
import { renderText } from "../list/comment-text.ts";
import { cleanText } from "../list/text.ts";
import type { Strings } from "../strings.ts";

export interface FrameModel {
  readonly strings: Strings;
  readonly snapshot: "loading" | "ready" | "failed";
  readonly viewers: number | undefined;
  readonly likes: number;
  readonly pinned: Item | undefined;
  /** No comment at all. */
  readonly empty: boolean;
  readonly hasEarlier: boolean;
  readonly loadingEarlier: boolean;
  readonly following: boolean;
  /** Comments that came since the list was paused. */
  readonly fresh: number;
  readonly status: string;
  /** The way out of the status is to sign in. */
  readonly offerSignIn: boolean;
  readonly readOnly: boolean;
  readonly hideReactions: boolean;
  readonly closed: boolean;
  readonly deleted: boolean;
  readonly composer: TemplateResult | typeof nothing;
  readonly menu: TemplateResult | typeof nothing;
  hold(): void;
  resume(): void;
  openSettings(opener: HTMLElement): void;
  loadEarlier(): void;
  reload(): void;
  like(): void;
  requestSignIn(): void;
}

type Part = TemplateResult | typeof nothing;

export function renderFrame(model: FrameModel): TemplateResult {
  const { strings, status, following } = model;
  return html`<section class="shell" part="shell" aria-label=${strings.t("title")}>
    ${renderHeader(model)}${renderPinned(model)}
    <div class="stage">
      <div class="scroller" part="list" tabindex="0" role="region"
        aria-label=${strings.t("comments")}>${renderTop(model)}<ol></ol></div>
      ${renderEmpty(model)}${following ? nothing : renderPill(model)}
      <canvas aria-hidden="true"></canvas>
    </div>
    <p class="status" part="status" role="status" ?hidden=${status === ""}><span
      class="dot"></span>${status}${
        model.offerSignIn
          ? html`<button class="link" @click=${() =>
              model.requestSignIn()}>${strings.t("signIn")}</button>`
          : nothing
      }</p>
    ${model.readOnly && model.hideReactions ? nothing : renderFoot(model)}
    <p class="hidden said" role="status"></p>
    <div class="hidden announcer" role="log" aria-label=${strings.t("title")}></div>
    <div popover class="menu">${model.menu}</div>
  </section>`;
}

function renderHeader(model: FrameModel): TemplateResult {
  const { strings, viewers, following } = model;
  return html`<header part="header"><h2>${strings.t("title")}</h2>${
    viewers === undefined
      ? nothing
      : html`<span class="viewers">${icon("eye")}<span
        aria-hidden="true">${strings.compact(viewers)}</span><span
        class="hidden">${strings.t("viewers", { n: viewers })}</span></span>`
  }<button class="icon" aria-label=${strings.t(following ? "pause" : "resume")}
    @click=${() => (following ? model.hold() : model.resume())}>${icon(
      following ? "pause" : "play",
    )}</button>
    <button class="icon" aria-label=${strings.t("settings")} aria-haspopup="dialog"
      @click=${(event: Event) => model.openSettings(event.currentTarget as HTMLElement)}>${icon(
        "settings",
      )}</button>
  </header>`;
}

function renderPinned({ pinned, strings }: FrameModel): Part {
  if (pinned === undefined) return nothing;
  return html`<div class="pinned" part="pinned">${icon(
    "pin",
  )}<div><b>${strings.t("pinned")} · <bdi>${cleanText(pinned.author.name)}</bdi></b><span
  dir="auto">${renderText(pinned.text)}</span></div></div>`;
}

function renderTop(model: FrameModel): Part {
  const { strings } = model;
  if (model.snapshot !== "ready" || model.empty) return nothing;
  return model.hasEarlier
    ? html`<button class="earlier" ?disabled=${model.loadingEarlier}
      @click=${() => model.loadEarlier()}>${strings.t("earlier")}</button>`
    : html`<p class="beginning">${strings.t("beginning")}</p>`;
}

function renderEmpty(model: FrameModel): Part {
  const { strings } = model;
  if (!model.empty) return nothing;
  if (model.snapshot === "loading")
    return html`<div class="skeleton" aria-hidden="true">${[62, 88, 45, 74, 56].map(
      (width) => html`<i .style=${`--width:${width}%`}></i>`,
    )}</div>`;
  if (model.snapshot === "failed")
    return html`<div class="empty">${icon("bubble")}<b>${strings.t("loadFailed")}</b><button
      class="earlier" @click=${() => model.reload()}>${strings.t("retry")}</button></div>`;
  return html`<div class="empty">${icon("bubble")}<b>${strings.t(
    model.deleted ? "error-video-deleted" : "empty",
  )}</b>${
    model.readOnly || model.closed ? nothing : html`<span>${strings.t("emptyHint")}</span>`
  }</div>`;
}

function renderPill({ strings, fresh, resume }: FrameModel): TemplateResult {
  const text = fresh === 0 ? strings.t("latest") : strings.t("newComments", { n: fresh });
  const shown =
    fresh > NEW_COUNT_SHOWN_MAX
      ? text.replace(strings.number(fresh), `${strings.number(NEW_COUNT_SHOWN_MAX)}+`)
      : text;
  return html`<button class="pill" part="pill"
    @click=${() => resume()}>${icon("down")}${shown}</button>`;
}

function renderFoot(model: FrameModel): TemplateResult {
  const { strings, likes } = model;
  return html`<footer>${model.composer}${
    model.hideReactions
      ? nothing
      : html`<button class="like" part="like" aria-label=${strings.t("like", { n: likes })}
        @click=${() => model.like()}>${icon("heart")}<span
        aria-hidden="true">${strings.compact(likes)}</span></button>`
  }</footer>`;
}
