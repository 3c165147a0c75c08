/**
 * Renders the session's state, and passes the reader's actions to the session. One view per video
 * of its element.
 */

import { adoptStyles, type ReactiveElement, unsafeCSS } from "@lit/reactive-element";
import type { Client, Comment } from "@ovation/client";
import { tried } from "@ovation/client/tried";
import { nothing, render } from "lit/html.js";
import { languageAround } from "../i18n/languages.ts";
import type { Account } from "./account.ts";
import { autoGrow } from "./composer/auto-grow.ts";
import composerCss from "./composer/composer.css" with { type: "text" };
import { Composer, type ComposerHost } from "./composer/composer.ts";
import type { Hearts } from "./hearts.ts";
import type { Me, MessageTo } from "./identity.ts";
import { LOAD_AHEAD_MS, TICK_MS } from "./limits.ts";
import { CommentList } from "./list/comment-list.ts";
import type { RowContext } from "./list/comment-row.ts";
import type { Item } from "./list/comment-store.ts";
import listCss from "./list/list.css" with { type: "text" };
import { ListInput } from "./list/list-input.ts";
import { hueCss } from "./list/name-colour.ts";
import menuCss from "./menu/menu.css" with { type: "text" };
import { Menu, type MenuHost } from "./menu/menu.ts";
import type { ActionsModel, SettingsModel } from "./menu/menu-content.ts";
import { renderFrame } from "./platform/frame.ts";
import { Speech } from "./platform/speech.ts";
import { recall, remember } from "./platform/storage.ts";
import { createThrottle } from "./platform/throttle.ts";
import { type Refusal, Session, toRefusal } from "./session.ts";
import { StatusLine } from "./status.ts";
import { createStrings, loadStrings, type Strings } from "./strings.ts";
import baseCss from "./styles.css" with { type: "text" };

/** The properties of its element that the view uses. */
export type ViewElement = ReactiveElement & {
  readonly readOnly: boolean;
  readonly hideReactions: boolean;
  readonly signIn: boolean;
  readonly messageTo: MessageTo | undefined;
};

const styles = [baseCss, listCss, composerCss, menuCss, hueCss].map((css) => unsafeCSS(css));

export class View implements ComposerHost, MenuHost {
  strings: Strings = createStrings("en");
  readonly #element: ViewElement;
  readonly #client: Client;
  readonly #account: Account;
  readonly #session: Session;
  readonly #status: StatusLine;
  readonly #speech: Speech;
  readonly #composer = new Composer(this);
  readonly #menu = new Menu(this);
  readonly #tick = createThrottle(() => this.#show(), TICK_MS);
  #list: CommentList | undefined;
  #hearts: Hearts | undefined;
  #heartsOn = recall("hearts") !== "off";
  /** The newest number that was on the screen when the list paused. */
  #seenSeq = 0;
  #loadingEarlier = false;
  #aheadTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(element: ViewElement, client: Client, account: Account, video: string) {
    this.#element = element;
    this.#client = client;
    this.#account = account;
    if (element.shadowRoot !== null) adoptStyles(element.shadowRoot, styles);
    this.#speech = new Speech(element.renderRoot, () => this.strings);
    this.#session = new Session(client, video, {
      // Before the first rendering there is no list to change.
      changed: () => this.#list !== undefined && this.#tick.request(),
      removed: (seq) => this.#list?.remove(seq),
      liked: (count) => void this.#fly((hearts) => hearts.add(count)),
      arrived: (comment) => this.#arrived(comment),
      skipped: (count) => this.#dispatch("items-skipped", { count }),
    });
    this.#status = new StatusLine(
      this.#session,
      () => this.strings,
      (said) => {
        if (said !== undefined) this.say(said);
        this.requestUpdate();
      },
    );
    account.onChange = () => {
      this.#list?.refresh();
      this.#introduce();
      this.requestUpdate();
    };
    this.#introduce();
    void this.#translate();
  }

  /** Called with every update of the element. */
  update(): void {
    this.#render();
    // The first rendering creates the element of the list.
    if (this.#list === undefined) this.#begin();
  }

  #begin(): void {
    this.#list = new CommentList(
      this.#query(".scroller"),
      this.#query("ol"),
      () => this.#rowContext(),
      () => {
        this.#seenSeq = this.#list?.lastSeq ?? 0;
        this.#tick.request();
        this.requestUpdate();
      },
      (error) => this.#session.skips.add("comment", error),
    );
    new ListInput(this.#query(".scroller"), this.#list, {
      open: (item, opener) => void this.#menu.open(item, opener),
      discard: (item) => {
        this.#session.store.discardLocal(item.key);
        this.#show();
      },
      retry: (item) => void this.#retry(item),
      resume: () => this.resume(),
    });
    this.#show();
    this.#aheadTimer = setTimeout(() => {
      // A failure here is retried on use.
      Promise.all([this.#menu.prepare(), import("./hearts.ts")]).catch(() => {});
    }, LOAD_AHEAD_MS);
  }

  close(): void {
    clearTimeout(this.#aheadTimer);
    this.#session.close();
    this.#status.close();
    this.#list?.close();
    this.#hearts?.close();
    this.#speech.close();
    this.#composer.close();
    this.#tick.stop();
    this.#account.onChange = () => {};
    // With its listeners: the next view begins with an empty root.
    render(nothing, this.renderRoot);
  }

  get me(): Me | undefined {
    return this.#account.me;
  }

  get renderRoot(): HTMLElement | DocumentFragment {
    return this.#element.renderRoot;
  }

  get updateComplete(): Promise<boolean> {
    return this.#element.updateComplete;
  }

  get itemsSkipped(): number {
    return this.#session.skips.count;
  }

  /** Comments are closed for the reader. */
  get #closed(): boolean {
    const role = this.me?.role;
    if (this.#session.deleted) return true;
    return this.#session.closed && role !== "host" && role !== "moderator";
  }

  requestUpdate(): void {
    this.#element.requestUpdate();
  }

  resume(): void {
    this.#list?.resume();
    this.#show();
  }

  async send(text: string, replyTo: number | undefined): Promise<Refusal | undefined> {
    if (this.me === undefined) return { code: "token-missing", retryAfterMs: undefined };
    this.resume();
    return this.#sent(text, await this.#session.send(this.me, text, replyTo));
  }

  async join(name: string): Promise<Refusal | undefined> {
    try {
      await this.#account.join(this.#client, name);
      return undefined;
    } catch (error) {
      const refusal = toRefusal(error);
      if (refusal.code === "guests-off") this.requestSignIn();
      return refusal;
    }
  }

  get offersSignIn(): boolean {
    return this.#element.signIn;
  }

  requestSignIn(): void {
    this.#dispatch("signin-requested", {});
  }

  say(text: string): void {
    this.#speech.say(text);
  }

  /** Shows for a while why an action failed: a code of docs/errors.md, `copy` or `menu`. */
  failed(code: string): void {
    this.#status.note(this.strings.problem(code));
  }

  settings(): SettingsModel {
    return {
      strings: this.strings,
      me: this.me,
      guest: this.#account.guest,
      announce: this.#speech.mode,
      hearts: this.#element.hideReactions ? undefined : this.#heartsOn,
      setAnnounce: (mode) => this.#speech.setMode(mode),
      setHearts: (on) => {
        remember("hearts", on ? undefined : "off");
        this.#heartsOn = on;
        this.requestUpdate();
      },
      changeName: () => {
        this.#menu.close();
        this.#account.forgetGuest(this.#client);
        this.#composer.ask();
      },
    };
  }

  actions(): ActionsModel {
    return {
      strings: this.strings,
      me: this.me,
      close: () => this.#menu.close(),
      reply: (item) => this.#composer.reply(item),
      remove: (item) => void this.#remove(item),
      messageTo: (author) => this.#element.messageTo?.(author),
      failed: (code) => this.failed(code),
    };
  }

  #render(): void {
    const session = this.#session;
    const { store, state } = session;
    const { readOnly, hideReactions } = this.#element;
    const frame = renderFrame({
      strings: this.strings,
      snapshot: session.snapshot,
      viewers: session.viewers,
      likes: session.likes,
      pinned: session.pinned,
      empty: store.items.length === 0,
      hasEarlier: session.hasEarlier,
      loadingEarlier: this.#loadingEarlier,
      following: this.#list?.following ?? true,
      fresh: store.items.filter((item) => (item.seq ?? 0) > this.#seenSeq).length,
      status: this.#status.text,
      offerSignIn: this.offersSignIn && state.name === "failed" && state.reason === "token-invalid",
      readOnly,
      hideReactions,
      closed: this.#closed,
      deleted: session.deleted,
      composer: this.#composer.render(readOnly, this.#closed),
      menu: this.#menu.render(),
      hold: () => this.#list?.hold(),
      resume: () => this.resume(),
      openSettings: (opener) => void this.#menu.open("settings", opener),
      loadEarlier: () => void this.#loadEarlier(),
      reload: () => session.load(),
      like: () => {
        session.like();
        void this.#fly((hearts) => hearts.tap());
      },
      requestSignIn: () => this.requestSignIn(),
    });
    render(frame, this.renderRoot);
    autoGrow(this.renderRoot.querySelector("textarea"));
  }

  /** Shows the session's state; at most every TICK_MS. */
  #show(): void {
    const session = this.#session;
    const { state } = session;
    this.#list?.sync(session.store.items);
    // A guest of a server that was set up again: not signed out, but asked for a name again.
    if (state.name === "failed" && state.reason === "token-invalid" && this.#account.guest)
      this.#account.forgetGuest(this.#client);
    this.#status.update();
    this.requestUpdate();
    if (session.snapshot === "ready")
      this.#dispatch("stats-changed", { viewers: session.viewers, likes: session.likes });
  }

  #query<Found extends Element = HTMLElement>(selector: string): Found {
    const found = this.renderRoot.querySelector<Found>(selector);
    if (found === null) throw new Error(`live-comments: ${selector} is not rendered`);
    return found;
  }

  #dispatch(type: string, detail: object | null): void {
    this.#element.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  /** Announces the viewer's identity. */
  #introduce(): void {
    const { me } = this;
    this.#dispatch(
      "identity-changed",
      me === undefined ? null : { id: me.id, name: me.name, role: me.role },
    );
  }

  #rowContext(): RowContext {
    const { store } = this.#session;
    return {
      strings: this.strings,
      me: this.me,
      readOnly: this.#element.readOnly,
      nameOf: (seq) => store.find(seq)?.author.name,
    };
  }

  /** Loads the strings of the page's language. */
  async #translate(): Promise<void> {
    const language = languageAround(this.#element);
    if (language === this.strings.language) return;
    try {
      this.strings = await loadStrings(language);
      this.#list?.refresh();
      this.requestUpdate();
    } catch (error) {
      console.warn(`live-comments: the strings of ${language} could not be loaded`, error);
    }
  }

  #arrived(comment: Comment): void {
    if (comment.author.id !== this.me?.id) this.#speech.arrived(comment, this.me?.name);
  }

  #sent(text: string, refusal: Refusal | undefined): Refusal | undefined {
    if (refusal === undefined) this.#dispatch("comment-sent", { text });
    else if (refusal.code === "token-invalid" || refusal.code === "token-expired")
      this.#account.forgetGuest(this.#client);
    else if (refusal.code !== "rate-limited")
      this.say(`${this.strings.t("notSent")} ${this.strings.problem(refusal.code)}`);
    return refusal;
  }

  async #retry(item: Item): Promise<void> {
    if (this.me === undefined) return;
    const refusal = this.#sent(
      item.text,
      await this.#session.send(this.me, item.text, item.replyTo, item.key),
    );
    // Where a wait or a name would resolve it, the text goes back to the composer.
    if (refusal !== undefined && this.#session.store.findLocal(item.key) === undefined)
      this.#composer.putBack(item.text, refusal);
  }

  async #remove(item: Item): Promise<void> {
    if (item.seq === undefined) return;
    const refusal = await this.#session.remove(item.seq);
    if (refusal !== undefined) this.failed(refusal.code);
  }

  async #loadEarlier(): Promise<void> {
    const first = this.#list?.firstSeq;
    if (first === undefined || this.#loadingEarlier) return;
    this.#loadingEarlier = true;
    this.requestUpdate();
    try {
      this.#list?.prepend(await this.#session.earlier(first));
    } catch (error) {
      this.failed(toRefusal(error).code);
    }
    this.#loadingEarlier = false;
    this.requestUpdate();
  }

  async #fly(add: (hearts: Hearts) => void): Promise<void> {
    if (
      !this.#heartsOn ||
      this.#element.hideReactions ||
      tried(() => matchMedia("(prefers-reduced-motion: reduce)").matches)
    )
      return;
    const loaded = await import("./hearts.ts").catch(() => undefined);
    if (loaded === undefined || !this.#element.isConnected) return;
    const { Hearts } = loaded;
    this.#hearts ??= new Hearts(this.#query<HTMLCanvasElement>("canvas"));
    add(this.#hearts);
  }
}
