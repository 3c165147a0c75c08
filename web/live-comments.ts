/**
 * `<live-comments video="42">`: the comments, likes and viewer count of one live video.
 *
 * Attributes: `video`, `server` (default: the one that served this script), `token`, `theme`
 * (`auto` | `light` | `dark`), `compact`, `readonly`, `hide-reactions`, `sign-in` (the site
 * has a sign-in: show its button, which sends `signin-requested`). Property `getToken`: a function
 * that fetches a token, called again when one has expired.
 *
 * Events, all bubbling through shadow roots: `comment-sent` (`{text}`), `signin-requested`,
 * `stats-changed` (`{viewers, likes}`), `identity-changed` (`{id, name, role}`, `null` without an
 * identity; `session` has more), `items-skipped` (`{count}`: comments, likes and other items so far
 * that this page could not read and skipped; also the property `itemsSkipped`).
 *
 * Style: the custom properties at the top of `styles.css`, and `::part(shell | header | list |
 * comment | avatar | name | badge | text | pinned | pill | status | composer | field | input | send
 * | like)`.
 *
 * This module has what is needed to connect: the element (Lit's base class) and the SDK. The view,
 * with Lit's templates (`element/view.ts`), is loaded while the connection is made.
 */

import { css, type PropertyValues, ReactiveElement } from "@lit/reactive-element";
import { type Client, createClient } from "@ovation/client";
import { Account } from "./element/account.ts";
import type { Me, MessageTo } from "./element/identity.ts";
import { loadAgain } from "./element/platform/load-again.ts";
import { serverOf } from "./element/server-base.ts";
import type { View } from "./element/view.ts";

export class LiveComments extends ReactiveElement {
  static override properties = {
    video: {},
    server: {},
    token: {},
    theme: { reflect: true },
    compact: { type: Boolean, reflect: true },
    readOnly: { type: Boolean, reflect: true, attribute: "readonly" },
    hideReactions: { type: Boolean, reflect: true, attribute: "hide-reactions" },
    signIn: { type: Boolean, attribute: "sign-in" },
    getToken: { attribute: false },
  };
  // The size is set from the start, so that the page does not move when the view is loaded.
  static override styles = css`:host{display:block;height:var(--lc-height,36rem);min-height:12rem}
:host([hidden]){display:none}`;

  declare video: string | undefined;
  declare server: string | undefined;
  declare token: string | undefined;
  declare theme: "auto" | "light" | "dark" | undefined;
  declare compact: boolean;
  declare readOnly: boolean;
  declare hideReactions: boolean;
  declare signIn: boolean;
  /** Fetches a token; `undefined` without a signed-in member. */
  declare getToken: (() => string | undefined | Promise<string | undefined>) | undefined;

  /** Set by `<live-inbox>`; `undefined` where there is none. */
  messageTo: MessageTo | undefined;

  #client: Client | undefined;
  #account: Account | undefined;
  #view: View | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.#open();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#close();
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("video") || changed.has("server")) this.#open();
    else if ((changed.has("token") || changed.has("getToken")) && this.#client !== undefined)
      this.#account?.changed(this.#client);
    this.#view?.update();
  }

  /** For `<live-inbox>`: the SDK's client, and the viewer's identity if known. */
  get session(): { readonly client: Client; readonly me: Me | undefined } | undefined {
    return this.#client && { client: this.#client, me: this.#account?.me };
  }

  /** How many comments, likes and other items could not be read and were skipped. */
  get itemsSkipped(): number {
    return this.#view?.itemsSkipped ?? 0;
  }

  /** Jumps to the newest comment and follows again. */
  resume(): void {
    this.#view?.resume();
  }

  #open(): void {
    this.#close();
    const { video, isConnected } = this;
    if (!video || !isConnected) return;
    const url = this.server || serverOf(import.meta.url);
    const account = new Account(url, video, () =>
      this.getToken === undefined ? this.token || undefined : this.getToken(),
    );
    const client = createClient({ url, token: () => account.fetchToken() });
    this.#client = client;
    this.#account = account;
    void this.#show(client, account, video);
  }

  async #show(client: Client, account: Account, video: string): Promise<void> {
    const { View } = await loadAgain(() => import("./element/view.ts"));
    // Meanwhile the element was removed, or has another video.
    if (this.#client !== client) return;
    this.#view = new View(this, client, account, video);
    this.requestUpdate();
  }

  #close(): void {
    this.#view?.close();
    this.#client?.close();
    this.#view = undefined;
    this.#client = undefined;
  }
}

if (customElements.get("live-comments") === undefined)
  customElements.define("live-comments", LiveComments);
