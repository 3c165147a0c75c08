/**
 * The form for a comment: the text, its counter, the wait after too many comments, a guest's name.
 * Text is never lost: a refused text comes back here or stays in the list with "try again".
 */

import { COMMENT_CODE_POINTS_MAX, NAME_CODE_POINTS_MAX } from "@ovation/protocol";
import { html, nothing, type TemplateResult } from "lit/html.js";
import { icon } from "../icons.ts";
import type { Me } from "../identity.ts";
import type { Item } from "../list/comment-store.ts";
import { hueOf } from "../list/name-colour.ts";
import { cleanText, countCodePoints, initialOf } from "../list/text.ts";
import { isSend, keepComposing } from "../platform/keys.ts";
import { isPassing, type Refusal } from "../session.ts";
import type { Strings } from "../strings.ts";

export interface ComposerHost {
  readonly strings: Strings;
  readonly me: Me | undefined;
  readonly renderRoot: ParentNode;
  readonly updateComplete: Promise<boolean>;
  requestUpdate(): void;
  send(text: string, replyTo: number | undefined): Promise<Refusal | undefined>;
  /** Becomes a guest with this name. */
  join(name: string): Promise<Refusal | undefined>;
  /** The site has a sign-in of its own. */
  readonly offersSignIn: boolean;
  requestSignIn(): void;
  /** Announces a sentence to screen readers. */
  say(text: string): void;
}

const COUNTER_FROM = COMMENT_CODE_POINTS_MAX - 60;
const DEFAULT_WAIT_MS = 3000;

export class Composer {
  text = "";
  replyTo: Item | undefined;
  /** Asks for a name before the text is sent. */
  asking = false;
  #busy = false;
  #nameProblem = "";
  #waitUntil = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #host: ComposerHost;

  constructor(host: ComposerHost) {
    this.#host = host;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  reply(item: Item): void {
    this.replyTo = item;
    this.focus();
  }

  /** Opens the name form, with the old name in it. */
  ask(): void {
    this.asking = true;
    this.focus();
  }

  focus(): void {
    this.#host.requestUpdate();
    void this.#host.updateComplete.then(() =>
      this.#host.renderRoot.querySelector<HTMLElement>("form :is(textarea,input)")?.focus(),
    );
  }

  async submit(): Promise<void> {
    const host = this.#host;
    const text = this.text.trim();
    if (text === "" || countCodePoints(text) > COMMENT_CODE_POINTS_MAX || this.#secondsLeft() > 0)
      return;
    if (host.me === undefined) {
      this.ask();
      return;
    }
    const replyTo = this.replyTo;
    this.text = "";
    this.replyTo = undefined;
    host.requestUpdate();
    const refusal = await host.send(text, replyTo?.seq);
    if (refusal === undefined || !isPassing(refusal)) return;
    this.replyTo = replyTo;
    this.putBack(text, refusal);
  }

  /** Restores a text that can be sent after a wait or with a name. */
  putBack(text: string, refusal: Refusal): void {
    this.text = this.text === "" ? text : `${text}\n${this.text}`;
    if (refusal.code === "rate-limited") this.#wait(refusal.retryAfterMs ?? DEFAULT_WAIT_MS);
    else this.ask();
    this.#host.requestUpdate();
  }

  async #join(name: string): Promise<void> {
    if (this.#busy || name === "" || countCodePoints(name) > NAME_CODE_POINTS_MAX) return;
    this.#busy = true;
    this.#nameProblem = "";
    this.#host.requestUpdate();
    const refusal = await this.#host.join(name);
    this.#busy = false;
    if (refusal === undefined) {
      this.asking = false;
      await this.submit();
      this.focus();
    } else {
      this.#nameProblem = this.#host.strings.problem(refusal.code);
      this.#host.requestUpdate();
    }
  }

  /** Counts down on the screen; announced at the start and at the end only. */
  #wait(ms: number): void {
    const { strings } = this.#host;
    this.#waitUntil = Date.now() + ms;
    this.#host.say(strings.t("wait", { n: this.#secondsLeft() }));
    this.close();
    this.#timer = setInterval(() => {
      if (this.#secondsLeft() === 0) {
        this.close();
        this.#host.say(strings.t("waitOver"));
      }
      this.#host.requestUpdate();
    }, 250);
  }

  #secondsLeft(): number {
    return Math.max(0, Math.ceil((this.#waitUntil - Date.now()) / 1000));
  }

  render(readOnly: boolean, closed: boolean): TemplateResult | typeof nothing {
    if (readOnly) return nothing;
    // The draft is kept, in case comments open again.
    if (closed)
      return html`<p class="composer closed">${this.#host.strings.t("error-comments-closed")}</p>`;
    return this.asking && this.#host.me === undefined ? this.#renderName() : this.#renderText();
  }

  #renderText(): TemplateResult {
    const { strings, me } = this.#host;
    const left = COMMENT_CODE_POINTS_MAX - countCodePoints(this.text.trim());
    const wait = this.#secondsLeft();
    const counter = left < 0 ? strings.t("over", { n: -left }) : strings.t("left", { n: left });
    return html`<form class="composer" part="composer"
      @submit=${(event: Event) => this.#submitted(event)}>
      ${this.replyTo === undefined ? nothing : this.#renderReply(this.replyTo)}
      <div class="field" part="field">
        ${
          me === undefined
            ? nothing
            : html`<span class="avatar" aria-hidden="true"
        data-hue=${hueOf(me.id)}>${initialOf(me.name)}</span>`
        }
        <textarea part="input" rows="1" dir=${this.text === "" ? "" : "auto"}
          aria-label=${strings.t("comment")} aria-describedby="hint" enterkeyhint="send"
          aria-invalid=${left < 0 ? "true" : "false"} placeholder=${strings.t("placeholder")}
          .value=${this.text}
          @input=${(event: InputEvent) => this.#typed(event)}
          @keydown=${(event: KeyboardEvent) => this.#keyed(event)}></textarea>
        <button class="send" part="send" @click=${(event: Event) => this.#submitted(event)}
          aria-label=${wait > 0 ? strings.t("wait", { n: wait }) : strings.t("send")}
          ?disabled=${wait > 0 || left < 0 || this.text.trim() === ""}>${
            wait > 0 ? html`<b>${strings.number(wait)}</b>` : icon("send")
          }</button>
      </div>
      <p class="under" ?hidden=${wait === 0 && left >= COMMENT_CODE_POINTS_MAX - COUNTER_FROM}>
        ${
          wait > 0
            ? strings.t("wait", { n: wait })
            : html`<span
        class=${left < 0 ? "over" : ""}>${counter}</span>`
        }
      </p>
      <p id="hint" class="hidden">${strings.t("hint", { n: COMMENT_CODE_POINTS_MAX })}</p>
    </form>`;
  }

  #renderReply(item: Item): TemplateResult {
    const { strings } = this.#host;
    return html`<div class="answering">↪ <bdi>${cleanText(item.author.name)}</bdi><button
      type="button" class="icon" aria-label=${strings.t("cancelReply")}
      @click=${() => {
        this.replyTo = undefined;
        this.focus();
      }}>${icon("close")}</button></div>`;
  }

  #renderName(): TemplateResult {
    const { strings } = this.#host;
    return html`<form class="composer name-form" part="composer"
      @submit=${(event: Event) => this.#submitted(event)}>
      <label for="name">${strings.t("nameHint")}</label>
      <div class="field" part="field">
        <input id="name" part="input" name="name" required autocomplete="nickname" dir="auto"
          @input=${(event: InputEvent) => this.#named(event)}
          placeholder=${strings.t("name")} aria-describedby="name-problem"
          aria-invalid=${this.#nameProblem === "" ? "false" : "true"} @keydown=${(
            event: KeyboardEvent,
          ) => {
            keepComposing(event);
            this.#keyed(event);
          }}/>
        <button class="join" @click=${(event: Event) => this.#submitted(event)}
          ?disabled=${this.#busy}>${strings.t("join")}</button>
      </div>
      <p class="under"><span id="name-problem" role="alert" class="over">${this.#nameProblem}</span>
        ${
          this.#host.offersSignIn
            ? html`<button type="button" class="link"
        @click=${() => this.#host.requestSignIn()}>${strings.t("signIn")}</button>`
            : nothing
        }
        <button type="button" class="link" @click=${() => {
          this.asking = false;
          this.focus();
        }}>${strings.t("cancel")}</button></p>
    </form>`;
  }

  /** From the form, its button or its field: a sandboxed frame submits no form. */
  #submitted(event: Event): void {
    event.preventDefault();
    const source = event.currentTarget as HTMLFormElement | HTMLButtonElement | HTMLInputElement;
    const form = "form" in source ? source.form : source;
    if (form === null || !form.reportValidity()) return;
    const name = new FormData(form).get("name");
    void (typeof name === "string" ? this.#join(cleanText(name).trim()) : this.submit());
  }

  #typed(event: InputEvent): void {
    const area = event.currentTarget as HTMLTextAreaElement;
    this.text = area.value;
    this.#host.requestUpdate();
  }

  /** A `maxlength` would count UTF-16 units, and cut an emoji in half. */
  #named(event: InputEvent): void {
    const { value } = event.currentTarget as HTMLInputElement;
    const over = countCodePoints(cleanText(value).trim()) - NAME_CODE_POINTS_MAX;
    this.#nameProblem = over > 0 ? this.#host.strings.t("over", { n: over }) : "";
    this.#host.requestUpdate();
  }

  #keyed(event: KeyboardEvent): void {
    if (isSend(event)) this.#submitted(event);
  }
}
