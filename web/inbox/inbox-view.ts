/** Renders the inbox's state, and passes the reader's actions to it. */

import { adoptStyles, type ReactiveElement } from "@lit/reactive-element";
import type { Client, Message, Notice, Person } from "@ovation/client";
import { tried } from "@ovation/client/tried";
import { html, nothing, render, type TemplateResult } from "lit/html.js";
import { autoGrow } from "../element/composer/auto-grow.ts";
import type { Me } from "../element/identity.ts";
import { LOAD_AHEAD_MS } from "../element/limits.ts";
import { cleanText, countCodePoints } from "../element/list/text.ts";
import { setOpen } from "../element/platform/popover.ts";
import { languageAround } from "../i18n/languages.ts";
import type { Entry } from "./conversations.ts";
import { describe, nameOf, renderBadge } from "./describe.ts";
import { Inbox } from "./inbox.ts";
import { FOLLOW_DISTANCE_PX, MESSAGE_CODE_POINTS_MAX } from "./limits.ts";
import type { Sanction } from "./notices.ts";
import type { Tab } from "./panel.ts";
import { icon, renderAvatar } from "./people.ts";
import { SanctionLine } from "./sanction-line.ts";
import { renderToast, Toasts } from "./toasts.ts";
import { createWords, loadWords, type Words } from "./words.ts";

/** The properties of its element that the view uses. */
export type InboxElement = ReactiveElement & { readonly video: string | undefined };

const MARGIN_PX = 8;

export class InboxView {
  readonly #element: InboxElement;
  readonly #inbox: Inbox;
  readonly #toasts = new Toasts(() => this.#element.requestUpdate());
  readonly #sanctionLine = new SanctionLine(() => this.#element.requestUpdate());
  readonly #drafts = new Map<string, string>();
  readonly #watch = new AbortController();
  #words: Words = createWords("en");
  /** What the panel shows, once it was opened. */
  #pages: typeof import("./pages.ts") | undefined;
  #opened = false;
  /** Whether the panel was open when its button was pressed. */
  #openAtPress: boolean | undefined;
  #tab: Tab = "messages";
  /** New notices stay highlighted while the tab is open. */
  #noticesSeen = 0;
  /** The open conversation stays at its end. */
  #follow = true;
  /** Distance to the end, to be kept while earlier messages are put before. */
  #keepFromEnd: number | undefined;
  readonly #aheadTimer: ReturnType<typeof setTimeout>;
  #said = "";

  constructor(element: InboxElement, client: Client, me: Me) {
    this.#element = element;
    this.#inbox = new Inbox(client, me, {
      changed: () => element.requestUpdate(),
      noticed: (notice) => this.#noticed(notice),
      messaged: (entry, message) => this.#messaged(entry, message),
      skipped: (count) =>
        element.dispatchEvent(
          new CustomEvent("items-skipped", { detail: { count }, bubbles: true, composed: true }),
        ),
    });
    document.addEventListener("visibilitychange", () => this.#watchThread(), {
      signal: this.#watch.signal,
    });
    this.#aheadTimer = setTimeout(() => this.#prepare().catch(() => {}), LOAD_AHEAD_MS);
    void this.#translate();
  }

  get me(): Me {
    return this.#inbox.me;
  }

  close(): void {
    this.#inbox.close();
    this.#toasts.clear();
    this.#watch.abort();
    this.#sanctionLine.close();
    clearTimeout(this.#aheadTimer);
    render(nothing, this.#root);
  }

  /** Opens the conversation with a member. */
  write(person: Person): void {
    this.#inbox.open(person);
    this.#follow = true;
    void this.#show().then(() => this.#focus("textarea, .back"));
  }

  /** Called with every update of the element. */
  update(): void {
    const sanction = this.#sanction();
    render(this.#render(sanction), this.#root);
    const toasts = this.#query<HTMLElement>(".toasts");
    const filled = this.#toasts.list.length > 0 || sanction !== undefined;
    if (isOpen(toasts) !== filled) setOpen(toasts, filled);
    autoGrow(this.#root.querySelector("textarea"));
    const talk = this.#root.querySelector<HTMLElement>(".talk");
    if (talk === null) return;
    if (this.#keepFromEnd !== undefined && !this.#inbox.loadingEarlier) {
      talk.scrollTop = talk.scrollHeight - this.#keepFromEnd;
      this.#keepFromEnd = undefined;
    } else if (this.#follow) talk.scrollTop = talk.scrollHeight;
  }

  get #root(): HTMLElement | DocumentFragment {
    return this.#element.renderRoot;
  }

  #render(sanction: Sanction | undefined): TemplateResult {
    const words = this.#words;
    const { unread, state } = this.#inbox;
    return html`<button class="opener" part="button" aria-haspopup="dialog"
      aria-busy=${state === "loading" ? "true" : "false"}
      aria-expanded=${this.#opened ? "true" : "false"}
        aria-label=${unread === 0 ? words.t("inbox") : words.t("inboxUnread", { n: unread })}
        @click=${() => this.#toggle()} @pointerdown=${() => {
          this.#openAtPress = isOpen(this.#query(".panel"));
        }}>${icon("inbox")}<span aria-hidden="true">${renderBadge(words, unread)}</span></button>
      <section class="panel" part="panel" popover role="dialog" aria-label=${words.t("inbox")}
        @toggle=${(event: ToggleEvent) => this.#toggled(event)}
        @scroll=${{
          handleEvent: (event: Event) => this.#scrolled(event.target as HTMLElement),
          capture: true,
        }}>${
          this.#opened && this.#pages !== undefined ? this.#renderPage(this.#pages) : nothing
        }</section>
      <div class="toasts" popover="manual" role="region" aria-label=${words.t("notifications")}
        @pointerenter=${() => this.#toasts.hold(true)}
        @pointerleave=${() => this.#toasts.hold(false)}
        @focusin=${() => this.#toasts.hold(true)}
        @focusout=${() => this.#toasts.hold(false)}>${
          sanction === undefined ? nothing : this.#sanctionLine.render(words, Date.now(), sanction)
        }${this.#toasts.list.map((toast) =>
          renderToast(words, toast, () => this.#toasts.remove(toast.key)),
        )}</div>
      <p class="hidden" role="status">${this.#said}</p>`;
  }

  #renderPage({ renderPanel, renderThread }: typeof import("./pages.ts")): TemplateResult {
    const inbox = this.#inbox;
    const words = this.#words;
    const now = Date.now();
    const { thread } = inbox;
    if (thread === undefined) {
      return renderPanel({
        words,
        now,
        me: inbox.me.id,
        state: inbox.state,
        tab: this.#tab,
        conversations: inbox.conversations.list,
        unread: inbox.conversations.unread,
        notices: inbox.notices.list,
        unseen: inbox.notices.unseen,
        seen: this.#noticesSeen,
        choose: (tab) => this.#choose(tab),
        open: (entry) => this.write(entry),
        retry: () => inbox.load(),
        close: () => setOpen(this.#query(".panel"), false),
      });
    }
    const entry = inbox.conversations.with({ id: thread.other, name: thread.other });
    return renderThread({
      words,
      now,
      entry,
      thread,
      state: inbox.threadState,
      loadingEarlier: inbox.loadingEarlier,
      draft: this.#drafts.get(entry.id) ?? "",
      write: (text) => {
        this.#drafts.set(entry.id, text);
        inbox.typing(text.trim() !== "");
        this.#element.requestUpdate();
      },
      send: () => this.#send(entry),
      resend: (bubble) => inbox.send(bubble.text, bubble.key),
      discard: (bubble) => {
        thread.discardLocal(bubble.key);
        this.#element.requestUpdate();
      },
      loadEarlier: () => {
        const talk = this.#query(".talk");
        this.#keepFromEnd = talk.scrollHeight - talk.scrollTop;
        inbox.loadEarlier();
      },
      retry: () => inbox.retry(),
      back: () => this.#back(),
      close: () => setOpen(this.#query(".panel"), false),
    });
  }

  #send(entry: Entry): void {
    const text = (this.#drafts.get(entry.id) ?? "").trim();
    if (text === "" || countCodePoints(text) > MESSAGE_CODE_POINTS_MAX) return;
    this.#drafts.delete(entry.id);
    this.#follow = true;
    this.#inbox.send(text);
  }

  #choose(tab: Tab): void {
    this.#tab = tab;
    this.#lookAtNotices();
    this.#element.requestUpdate();
  }

  #back(): void {
    const other = this.#inbox.thread?.other ?? "";
    this.#inbox.leave();
    this.#tab = "messages";
    this.#focus(`[data-with="${CSS.escape(other)}"], [role="tab"][aria-selected="true"]`);
  }

  #toggle(): void {
    const panel = this.#query(".panel");
    // A press outside an open panel closes it before the click: use the state at the press.
    const wasOpen = this.#openAtPress ?? isOpen(panel);
    this.#openAtPress = undefined;
    if (wasOpen) {
      setOpen(panel, false);
      return;
    }
    // The tab with something new opens first.
    if (this.#inbox.thread === undefined)
      this.#tab =
        this.#inbox.conversations.unread === 0 && this.#inbox.notices.unseen > 0
          ? "activity"
          : "messages";
    void this.#show();
  }

  /** Fetches the panel's content ahead, as the menu of the comments does. */
  async #prepare(): Promise<typeof import("./pages.ts")> {
    this.#pages ??= await import("./pages.ts");
    return this.#pages;
  }

  async #show(): Promise<void> {
    if (this.#opened) return;
    const pages = await this.#prepare().catch((error: unknown) => {
      // The network failed, or the server has a newer build; the next press retries.
      console.warn("live-inbox: the panel could not be loaded", error);
      const title = this.#words.t("failed");
      this.#say(title);
      const detail = this.#words.t("retry");
      const open = () => void this.#show();
      this.#toasts.add({ key: "failed", title, detail, picture: html``, open });
    });
    const { shadowRoot } = this.#element;
    if (pages === undefined || shadowRoot === null || this.#watch.signal.aborted) return;
    adoptStyles(shadowRoot, [
      ...(this.#element.constructor as typeof ReactiveElement).elementStyles,
      ...pages.styles,
    ]);
    setOpen(this.#query(".panel"), true);
  }

  #toggled({ newState, currentTarget }: ToggleEvent): void {
    const panel = currentTarget as HTMLElement;
    this.#opened = newState === "open";
    this.#watchThread();
    if (this.#opened) {
      this.#place(panel);
      this.#follow = true;
      this.#toasts.clear();
      this.#noticesSeen = this.#inbox.notices.seen;
      this.#lookAtNotices();
      this.#focus(
        this.#inbox.thread === undefined ? '[role="tab"][aria-selected="true"]' : "textarea, .back",
      );
    } else {
      this.#inbox.typing(false);
      const { activeElement } = panel.getRootNode() as ShadowRoot;
      if (activeElement === null || panel.contains(activeElement))
        this.#query(".opener").focus({ preventScroll: true });
    }
    this.#element.requestUpdate();
  }

  #lookAtNotices(): void {
    if (this.#opened && this.#tab === "activity" && this.#inbox.thread === undefined)
      this.#inbox.seeNotices();
  }

  #watchThread(): void {
    this.#inbox.watch(this.#opened && document.visibilityState === "visible");
  }

  /** Under its button; on a phone the style sheet fills the screen. */
  #place(panel: HTMLElement): void {
    const { left, right, bottom } = this.#query(".opener").getBoundingClientRect();
    const start = getComputedStyle(panel).direction === "rtl" ? left : right - panel.offsetWidth;
    panel.style.setProperty(
      "--left",
      `${Math.max(MARGIN_PX, Math.min(innerWidth - panel.offsetWidth - MARGIN_PX, start))}px`,
    );
    panel.style.setProperty("--top", `${bottom + MARGIN_PX}px`);
  }

  #scrolled(talk: HTMLElement): void {
    if (talk.classList.contains("talk"))
      this.#follow = talk.scrollHeight - talk.scrollTop - talk.clientHeight < FOLLOW_DISTANCE_PX;
  }

  /** Focuses the first match. With an on-screen keyboard, the field waits for a touch. */
  #focus(selectors: string): void {
    this.#element.requestUpdate();
    void this.#element.updateComplete.then(() => {
      const found = selectors
        .split(", ")
        .map((selector) => this.#root.querySelector<HTMLElement>(selector));
      const touch = tried(() => matchMedia("(pointer: coarse)").matches);
      found
        .find((each) => each !== null && !(touch && each.localName === "textarea"))
        ?.focus({ preventScroll: true });
    });
  }

  #noticed({ seq, data }: Notice): void {
    const sanctions = data.kind === "timed-out" || data.kind === "banned";
    this.#lookAtNotices();
    // A sanction has a line of its own while it is in force.
    if (sanctions) this.#sanctionLine.restore();
    const toast = describe(this.#words, Date.now(), data);
    this.#say(`${toast.title}. ${toast.detail}`);
    if (sanctions && this.#sanction() !== undefined) return;
    this.#toasts.add({ key: `notice ${seq}`, ...toast, open: () => this.#openNotices() });
  }

  #openNotices(): void {
    this.#inbox.leave();
    this.#tab = "activity";
    void this.#show().then(() => this.#choose("activity"));
  }

  #messaged(entry: Entry, { text }: Message): void {
    const shown = cleanText(text);
    this.#say(this.#words.t("wrote", { name: nameOf(this.#words, entry), text: shown }));
    if (this.#opened) return;
    this.#toasts.add({
      key: `message ${entry.id}`,
      title: this.#words.t("newMessage", { name: nameOf(this.#words, entry) }),
      detail: shown,
      picture: renderAvatar(entry),
      open: () => this.write(entry),
    });
  }

  #sanction(): Sanction | undefined {
    return this.#sanctionLine.current(this.#inbox.notices, Date.now(), this.#element.video);
  }

  /** To screen readers. */
  #say(text: string): void {
    this.#said = text;
    this.#element.requestUpdate();
  }

  #query<Found extends HTMLElement = HTMLElement>(selector: string): Found {
    const found = this.#root.querySelector<Found>(selector);
    if (found === null) throw new Error(`live-inbox: ${selector} is not rendered`);
    return found;
  }

  /** Loads the words of the page's language. */
  async #translate(): Promise<void> {
    const language = languageAround(this.#element);
    try {
      this.#words = await loadWords(language);
      this.#element.requestUpdate();
    } catch (error) {
      console.warn(`live-inbox: the words of ${language} could not be loaded`, error);
    }
  }
}

/** Whether the popover is open, also where the browser has none. */
function isOpen(popover: HTMLElement): boolean {
  const { display } = popover.style;
  return display === ""
    ? tried(() => popover.matches(":popover-open")) === true
    : display === "block";
}
