/**
 * `<live-comments video="42">`: the comments, likes and viewer count of one live video.
 *
 * Attributes: `video`, `server` (default: where this script came from), `token`, `theme`
 * (`auto` | `light` | `dark`), `compact`, `readonly`, `hide-reactions`. Property `getToken`: a function
 * that fetches a token, called again when one has expired.
 *
 * Events, all bubbling through shadow roots: `comment-sent` (`{text}`), `signin-requested`,
 * `stats-changed` (`{viewers, likes}`).
 *
 * Style: the custom properties at the top of `styles.css`, and `::part(shell | header | list | comment
 * | avatar | name | badge | text | pinned | pill | status | composer | field | input | send | like)`.
 */

import { type Client, createClient } from "@ovation/client";
import { html, LitElement, nothing, type PropertyValues, type TemplateResult, unsafeCSS } from "lit";
import { ANNOUNCE_MODES, type AnnounceMode, type Announcer, createAnnouncer } from "./element/announcer.ts";
import { CommentList } from "./element/comment-list.ts";
import { type RowContext, renderText } from "./element/comment-row.ts";
import type { Item } from "./element/comment-store.ts";
import { Composer, type ComposerHost } from "./element/composer.ts";
import type { Hearts } from "./element/hearts.ts";
import { icon } from "./element/icons.ts";
import { type Me, readToken, recallGuest, rememberGuest } from "./element/identity.ts";
import { NEW_COUNT_SHOWN_MAX, STATUS_DELAY_MS, TICK_MS } from "./element/limits.ts";
import { type Refusal, Session, toRefusal } from "./element/session.ts";
import { recall, remember } from "./element/storage.ts";
import { createStrings, loadCatalogue, type Strings } from "./element/strings.ts";
import css from "./element/styles.css" with { type: "text" };
import { cleanText, mentions } from "./element/text.ts";
import { createThrottle } from "./element/throttle.ts";

type Menus = typeof import("./element/menus.ts");

export class LiveComments extends LitElement implements ComposerHost {
  static override properties = {
    video: {},
    server: {},
    token: {},
    theme: { reflect: true },
    compact: { type: Boolean, reflect: true },
    readOnly: { type: Boolean, reflect: true, attribute: "readonly" },
    hideReactions: { type: Boolean, reflect: true, attribute: "hide-reactions" },
  };
  static override styles = unsafeCSS(css);

  declare video: string | undefined;
  declare server: string | undefined;
  declare token: string | undefined;
  declare theme: "auto" | "light" | "dark" | undefined;
  declare compact: boolean;
  declare readOnly: boolean;
  declare hideReactions: boolean;
  /** Fetches a token; `undefined` for nobody. */
  getToken: (() => string | undefined | Promise<string | undefined>) | undefined;

  strings: Strings = createStrings("en");
  me: Me | undefined;
  #guest = false;
  #client: Client | undefined;
  #session: Session | undefined;
  #list: CommentList | undefined;
  #hearts: Hearts | undefined;
  #announcer: Announcer | undefined;
  #heartsOn = recall("hearts") !== "off";
  #menus: Menus | undefined;
  #menu: "settings" | Item | undefined;
  #menuOpener: HTMLElement | undefined;
  /** The newest number that was on the screen when the list paused. */
  #seenSeq = 0;
  #loadingEarlier = false;
  #status = "";
  #statusTimer: ReturnType<typeof setTimeout> | undefined;
  #wasConnected = false;
  #saidTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #composer = new Composer(this);
  readonly #tick = createThrottle(() => this.#show(), TICK_MS);

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.#open();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#close();
  }

  protected override firstUpdated(): void {
    const scroller = this.#query(".scroller");
    scroller.addEventListener("keydown", (event) => this.#listKey(event));
    scroller.addEventListener("click", (event) => this.#listClick(event));
    scroller.addEventListener(
      "contextmenu",
      (event) => event instanceof PointerEvent && event.pointerType === "touch" && this.#listClick(event),
    );
    this.#query<HTMLElement>("[popover]").addEventListener("toggle", (event) => {
      if ((event as ToggleEvent).newState !== "closed") return;
      this.#menu = undefined;
      this.requestUpdate();
    });
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("video") || changed.has("server")) this.#open();
    else if (changed.has("token")) this.#useToken();
  }

  /** Jumps to the newest comment and follows again. */
  resume(): void {
    this.#list?.resume();
    this.#show();
  }

  async send(text: string, replyTo: number | undefined): Promise<Refusal | undefined> {
    const session = this.#session;
    if (session === undefined || this.me === undefined) return { code: "token-missing", retryAfterMs: undefined };
    this.resume();
    return this.#sent(text, await session.send(this.me, text, replyTo));
  }

  async join(name: string): Promise<Refusal | undefined> {
    if (this.#client === undefined) return { code: "network", retryAfterMs: undefined };
    try {
      const { token, member } = await this.#client.guest(name);
      this.me = { role: "guest", ...readToken(token, this.video ?? ""), ...member, token };
      this.#guest = true;
      rememberGuest(this.#origin, token);
      this.#list?.refresh();
      return undefined;
    } catch (error) {
      const refusal = toRefusal(error);
      if (refusal.code === "guests-off") this.requestSignIn();
      return refusal;
    }
  }

  requestSignIn(): void {
    this.#dispatch("signin-requested", {});
  }

  say(text: string): void {
    const live = this.#query(".said");
    live.textContent = text;
    clearTimeout(this.#saidTimer);
    this.#saidTimer = setTimeout(() => {
      live.textContent = "";
    }, 3000);
  }

  get #origin(): string {
    return this.server || new URL(import.meta.url).origin;
  }

  #query<Found extends Element = HTMLElement>(selector: string): Found {
    const found = this.renderRoot.querySelector<Found>(selector);
    if (found === null) throw new Error(`live-comments: ${selector} is not rendered`);
    return found;
  }

  #dispatch(type: string, detail: object): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  #open(): void {
    this.#close();
    const video = this.video;
    if (!video || !this.isConnected) return;
    void this.#speak();
    if (this.token === undefined && this.getToken === undefined) {
      this.me = recallGuest(this.#origin, video);
      this.#guest = this.me !== undefined;
    }
    const client = createClient({ url: this.#origin, token: () => this.#currentToken() });
    this.#client = client;
    this.#list = new CommentList(
      this.#query(".scroller"),
      this.#query("ol"),
      () => this.#rowContext(),
      () => {
        this.#seenSeq = this.#list?.lastSeq ?? 0;
        this.#tick.request();
        this.requestUpdate();
      },
    );
    const stored = ANNOUNCE_MODES.find((mode) => mode === recall("announce"));
    this.#announcer = createAnnouncer(
      (text) => this.#announce(text),
      (n) => this.strings.t("newComments", { n }),
      stored ?? "all",
    );
    this.#session = new Session(client, video, {
      changed: () => this.#tick.request(),
      removed: (seq) => this.#list?.remove(seq),
      liked: (count) => void this.#fly((hearts) => hearts.add(count)),
      arrived: ({ text, author }) => {
        if (author.id === this.me?.id) return;
        const important = author.role === "host" || author.role === "moderator" || mentions(text, this.me?.name);
        this.#announcer?.add({ text: this.strings.t("said", { name: cleanText(author.name), text: cleanText(text) }), important });
      },
    });
    this.requestUpdate();
  }

  #close(): void {
    this.#session?.close();
    this.#client?.close();
    this.#list?.close();
    this.#hearts?.close();
    this.#announcer?.stop();
    this.#composer.close();
    this.#tick.stop();
    clearTimeout(this.#statusTimer);
    this.#query("ol").replaceChildren();
    this.#session = undefined;
    this.#client = undefined;
    this.#list = undefined;
    this.#hearts = undefined;
  }

  async #currentToken(): Promise<string | undefined> {
    const token = this.getToken === undefined ? this.token || undefined : await this.getToken();
    if (token === undefined) return this.#guest ? this.me?.token : undefined;
    this.#guest = false;
    this.me = readToken(token, this.video ?? "") ?? { token, id: "", name: "", role: "member" };
    this.requestUpdate();
    return token;
  }

  #useToken(): void {
    this.me = undefined;
    this.#guest = false;
    this.#client?.setToken(() => this.#currentToken());
    this.#list?.refresh();
  }

  /** Loads the words of the page's language. */
  async #speak(): Promise<void> {
    const tag = this.closest("[lang]")?.getAttribute("lang") || navigator.language;
    if (tag === this.strings.language) return;
    try {
      const catalogue = await loadCatalogue(tag);
      this.strings = createStrings(tag, catalogue);
      this.#list?.refresh();
      this.requestUpdate();
    } catch (error) {
      console.warn(`live-comments: no words for ${tag}`, error);
    }
  }

  #rowContext(): RowContext {
    const store = this.#session?.store;
    return { strings: this.strings, me: this.me, readOnly: this.readOnly, nameOf: (seq) => store?.find(seq)?.author.name };
  }

  /** Puts what the session knows on the screen; at most every TICK_MS. */
  #show(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#list?.sync(session.store.items);
    this.#showStatus(session);
    this.requestUpdate();
    this.#dispatch("stats-changed", { viewers: session.viewers, likes: session.likes });
  }

  #showStatus(session: Session): void {
    const { state } = session;
    if (state.name === "failed" && state.reason === "token-invalid" && this.#guest) {
      // A guest of another life of the server: nobody is signed out by that, the name is asked for again.
      this.#forgetGuest();
      return;
    }
    const text = this.#statusText(session);
    if (text === this.#status) return;
    clearTimeout(this.#statusTimer);
    if (state.name === "connected" && session.refused === undefined) {
      const back = this.#status !== "" && this.#wasConnected;
      this.#wasConnected = true;
      this.#status = "";
      if (back) this.say(this.strings.t("connected"));
      return;
    }
    const show = (): void => {
      this.#status = this.#session === session ? this.#statusText(session) : "";
      this.requestUpdate();
    };
    if (this.#status === "" && state.name !== "failed") this.#statusTimer = setTimeout(show, STATUS_DELAY_MS);
    else show();
  }

  #statusText({ state, refused }: Session): string {
    const { t } = this.strings;
    if (refused !== undefined) return t("refused");
    switch (state.name) {
      case "connecting":
        return this.#wasConnected ? t("reconnecting") : t("connecting");
      case "waiting":
        return t(state.reason === "offline" ? "offline" : state.reason === "server-asked" ? "serverAsked" : "reconnecting");
      case "failed":
        return t(({ "token-invalid": "tokenInvalid", forbidden: "refused", stopped: "stopped" } as const)[state.reason]);
      default:
        return "";
    }
  }

  #forgetGuest(): void {
    rememberGuest(this.#origin, undefined);
    this.#useToken();
    this.requestUpdate();
  }

  #sent(text: string, refusal: Refusal | undefined): Refusal | undefined {
    if (refusal === undefined) this.#dispatch("comment-sent", { text });
    else if (refusal.code === "token-invalid" || refusal.code === "token-expired") this.#forgetGuest();
    else if (refusal.code !== "rate-limited") this.say(`${this.strings.t("notSent")} ${this.strings.problem(refusal.code)}`);
    return refusal;
  }

  #announce(text: string): void {
    const log = this.#query(".announcer");
    const line = document.createElement("p");
    line.textContent = text;
    log.append(line);
    while (log.childElementCount > 5) log.firstElementChild?.remove();
  }

  async #fly(add: (hearts: Hearts) => void): Promise<void> {
    if (!this.#heartsOn || this.hideReactions || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const { Hearts } = await import("./element/hearts.ts");
    if (!this.isConnected) return;
    this.#hearts ??= new Hearts(this.#query<HTMLCanvasElement>("canvas"));
    add(this.#hearts);
  }

  #like(): void {
    this.#session?.like();
    void this.#fly((hearts) => hearts.tap());
  }

  async #loadEarlier(): Promise<void> {
    const first = this.#list?.firstSeq;
    const session = this.#session;
    if (first === undefined || session === undefined || this.#loadingEarlier) return;
    this.#loadingEarlier = true;
    this.requestUpdate();
    try {
      const earlier = await session.earlier(first);
      if (session === this.#session) this.#list?.prepend(earlier);
    } catch (error) {
      this.say(this.strings.problem(toRefusal(error).code));
    }
    this.#loadingEarlier = false;
    this.requestUpdate();
  }

  #listKey(event: KeyboardEvent): void {
    const moves = { ArrowUp: "up", ArrowDown: "down", Home: "first", End: "last" } as const;
    const focused = this.shadowRoot?.activeElement ?? null;
    if (event.key in moves) {
      event.preventDefault();
      if (event.key === "End") this.resume();
      this.#list?.focusRow(moves[event.key as keyof typeof moves], focused);
    } else if (event.key === "Escape") {
      this.#query(".scroller").focus({ preventScroll: true });
    } else if (
      (event.key === "Enter" || event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) &&
      focused?.matches("li")
    ) {
      event.preventDefault();
      focused.querySelector<HTMLElement>("[data-action=menu]")?.click();
    }
  }

  #listClick(event: Event): void {
    if (!(event.target instanceof Element)) return;
    const row = event.target.closest<HTMLElement>("li");
    const touched = event.type === "contextmenu" ? row?.querySelector<HTMLElement>("[data-action]") : undefined;
    const button = touched ?? event.target.closest<HTMLElement>("[data-action]");
    const key = row?.dataset.key;
    const item = this.#list?.item(key);
    if (button == null || item === undefined) return;
    event.preventDefault();
    if (button.dataset.action === "menu") void this.#openMenu(item, button);
    if (button.dataset.action === "discard") this.#session?.store.discardLocal(item.key);
    if (button.dataset.action === "retry" && this.me !== undefined) {
      const sending = this.#session?.send(this.me, item.text, item.replyTo, item.key);
      void sending?.then((refusal) => this.#retried(item, refusal));
    }
    this.#show();
  }

  #retried(item: Item, refusal: Refusal | undefined): void {
    this.#sent(item.text, refusal);
    // What waiting or a name would lift goes back before the writer.
    if (refusal !== undefined && this.#session?.store.findLocal(item.key) === undefined) this.#composer.putBack(item.text, refusal);
  }

  async #openMenu(menu: "settings" | Item, opener: HTMLElement): Promise<void> {
    this.#menus ??= await import("./element/menus.ts");
    const popover = this.#query<HTMLElement>("[popover]");
    this.#menu = menu;
    this.#menuOpener = opener;
    this.requestUpdate();
    await this.updateComplete;
    const { left, right, top, bottom } = opener.getBoundingClientRect();
    popover.showPopover();
    const { offsetWidth: width, offsetHeight: height } = popover;
    const end = getComputedStyle(this).direction === "rtl" ? left : right - width;
    popover.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, end))}px`;
    popover.style.top = `${bottom + height + 8 > innerHeight ? Math.max(8, top - height - 4) : bottom + 4}px`;
    popover.querySelector<HTMLElement>("button,input")?.focus();
  }

  #closeMenu(): void {
    this.#query<HTMLElement>("[popover]").hidePopover();
    this.#menuOpener?.focus();
  }

  async #remove(item: Item): Promise<void> {
    if (item.seq === undefined) return;
    const refusal = await this.#session?.remove(item.seq);
    if (refusal !== undefined) this.say(this.strings.problem(refusal.code));
  }

  protected override render(): TemplateResult {
    const { strings } = this;
    const session = this.#session;
    const following = this.#list?.following ?? true;
    return html`<section class="shell" part="shell" aria-label=${strings.t("title")}>
      ${this.#renderHeader(session, following)}
      ${session?.pinned === undefined ? nothing : this.#renderPinned(session.pinned)}
      <div class="stage">
        <div class="scroller" part="list" tabindex="0" role="region" aria-label=${strings.t("comments")}>
          ${this.#renderTop(session)}<ol></ol>
        </div>
        ${this.#renderEmpty(session)}${following ? nothing : this.#renderPill(session)}
        <canvas aria-hidden="true"></canvas>
      </div>
      <p class="status" part="status" role="status" ?hidden=${this.#status === ""}><span class="dot"></span>${this.#status}
        ${session?.state.name === "failed" && session.state.reason === "token-invalid" ? this.#renderSignIn() : nothing}</p>
      ${this.readOnly && this.hideReactions ? nothing : this.#renderFoot(session)}
      <p class="hidden said" role="status"></p>
      <div class="hidden announcer" role="log" aria-label=${strings.t("title")}></div>
      <div popover class="menu">${this.#renderMenu()}</div>
    </section>`;
  }

  #renderHeader(session: Session | undefined, following: boolean): TemplateResult {
    const { strings } = this;
    const viewers = session?.viewers;
    return html`<header part="header"><h2>${strings.t("title")}</h2>
      ${viewers === undefined ? nothing : html`<span class="viewers" title=${strings.t("viewers", { n: viewers })}>${icon("eye")}<span aria-hidden="true">${strings.compact(viewers)}</span><span class="hidden">${strings.t("viewers", { n: viewers })}</span></span>`}
      <button class="icon" aria-label=${strings.t(following ? "pause" : "resume")} @click=${() => (following ? this.#list?.hold() : this.resume())}>${icon(following ? "pause" : "play")}</button>
      <button class="icon" aria-label=${strings.t("settings")} aria-haspopup="dialog" @click=${(event: Event) => void this.#openMenu("settings", event.currentTarget as HTMLElement)}>${icon("settings")}</button>
    </header>`;
  }

  #renderPinned(item: Item): TemplateResult {
    return html`<div class="pinned" part="pinned">${icon("pin")}<div><b>${this.strings.t("pinned")} · <bdi>${cleanText(item.author.name)}</bdi></b><span dir="auto">${renderText(item.text)}</span></div></div>`;
  }

  #renderTop(session: Session | undefined): TemplateResult | typeof nothing {
    if (session?.snapshot !== "ready" || session.store.items.length === 0) return nothing;
    const { strings } = this;
    return session.hasEarlier
      ? html`<button class="earlier" ?disabled=${this.#loadingEarlier} @click=${() => void this.#loadEarlier()}>${strings.t("earlier")}</button>`
      : html`<p class="beginning">${strings.t("beginning")}</p>`;
  }

  #renderEmpty(session: Session | undefined): TemplateResult | typeof nothing {
    const { strings } = this;
    if (session === undefined || session.store.items.length > 0) return nothing;
    if (session.snapshot === "loading")
      return html`<div class="skeleton" aria-hidden="true">${[62, 88, 45, 74, 56].map((width) => html`<i .style=${`--width:${width}%`}></i>`)}</div>`;
    if (session.snapshot === "failed")
      return html`<div class="empty">${icon("bubble")}<b>${strings.t("loadFailed")}</b><button class="earlier" @click=${() => session.load()}>${strings.t("retry")}</button></div>`;
    return html`<div class="empty">${icon("bubble")}<b>${strings.t("empty")}</b>${this.readOnly ? nothing : html`<span>${strings.t("emptyHint")}</span>`}</div>`;
  }

  #renderPill(session: Session | undefined): TemplateResult {
    const fresh = session?.store.items.filter((item) => (item.seq ?? 0) > this.#seenSeq).length ?? 0;
    const { strings } = this;
    const shown = fresh > NEW_COUNT_SHOWN_MAX ? `${strings.number(NEW_COUNT_SHOWN_MAX)}+` : undefined;
    const text = fresh === 0 ? strings.t("latest") : strings.t("newComments", { n: fresh });
    return html`<button class="pill" part="pill" @click=${() => this.resume()}>${icon("down")}${shown === undefined ? text : text.replace(strings.number(fresh), shown)}</button>`;
  }

  #renderSignIn(): TemplateResult {
    return html`<button class="link" @click=${() => this.requestSignIn()}>${this.strings.t("signIn")}</button>`;
  }

  #renderFoot(session: Session | undefined): TemplateResult {
    const likes = session?.likes ?? 0;
    const { strings } = this;
    return html`<footer>${this.readOnly ? nothing : this.#composer.render()}${
      this.hideReactions
        ? nothing
        : html`<button class="like" part="like" aria-label=${strings.t("like", { n: likes })} @click=${() => this.#like()}>${icon("heart")}<span aria-hidden="true">${strings.compact(likes)}</span></button>`
    }</footer>`;
  }

  #renderMenu(): TemplateResult | typeof nothing {
    const { strings, me } = this;
    const menu = this.#menu;
    if (menu === undefined || this.#menus === undefined) return nothing;
    if (menu !== "settings")
      return this.#menus.renderActions(menu, {
        strings,
        me,
        close: () => this.#closeMenu(),
        reply: (item) => this.#composer.reply(item),
        remove: (item) => void this.#remove(item),
      });
    return this.#menus.renderSettings({
      strings,
      me,
      guest: this.#guest,
      announce: this.#announcer?.mode ?? "all",
      hearts: this.hideReactions ? undefined : this.#heartsOn,
      setAnnounce: (mode: AnnounceMode) => {
        remember("announce", mode);
        this.#announcer?.stop();
        if (this.#announcer !== undefined) this.#announcer.mode = mode;
      },
      setHearts: (on) => {
        remember("hearts", on ? undefined : "off");
        this.#heartsOn = on;
      },
      changeName: () => {
        this.#closeMenu();
        this.#forgetGuest();
        this.#composer.ask();
      },
    });
  }
}

if (customElements.get("live-comments") === undefined) customElements.define("live-comments", LiveComments);
