/** Toasts: a few lines in a corner, each for a while, and a sanction while it is in force. */

import { html, nothing, type TemplateResult } from "lit/html.js";
import { TOAST_MS, TOASTS_MAX } from "./limits.ts";
import { icon } from "./people.ts";
import type { Words } from "./words.ts";

export interface Toast {
  readonly key: string;
  readonly title: string;
  readonly detail: string;
  readonly picture: TemplateResult;
  /** Called on a press. */
  readonly open?: () => void;
}

export class Toasts {
  #list: readonly Toast[] = [];
  #held = false;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get list(): readonly Toast[] {
    return this.#list;
  }

  /** Beyond the limit the oldest is removed; one of the same key is replaced. */
  add(toast: Toast): void {
    this.#list = [...this.#list.filter(({ key }) => key !== toast.key), toast].slice(-TOASTS_MAX);
    this.#start(toast.key);
    this.#changed();
  }

  remove(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    this.#list = this.#list.filter((toast) => toast.key !== key);
    this.#changed();
  }

  /** Under the pointer or with the focus, no toast is removed. */
  hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    for (const { key } of this.#list) {
      if (held) clearTimeout(this.#timers.get(key));
      else this.#start(key);
    }
  }

  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#list = [];
  }

  #start(key: string): void {
    clearTimeout(this.#timers.get(key));
    if (this.#held) return;
    this.#timers.set(
      key,
      setTimeout(() => this.remove(key), TOAST_MS),
    );
  }
}

export function renderToast(
  words: Words,
  toast: Toast,
  dismiss: () => void,
  kind = "",
): TemplateResult {
  const { title, detail, picture, open } = toast;
  const text = html`${picture}<span class="words"><b>${title}</b>${
    detail === ""
      ? nothing
      : html`<span
  dir="auto">${detail}</span>`
  }</span>`;
  return html`<div class=${`toast ${kind}`}>${
    open === undefined
      ? html`<div class="body">${text}</div>`
      : html`<button class="body" @click=${() => {
          dismiss();
          open();
        }}>${text}</button>`
  }<button class="icon" aria-label=${words.t("dismiss")}
    @click=${dismiss}>${icon("close")}</button></div>`;
}
