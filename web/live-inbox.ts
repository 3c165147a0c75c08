/**
 * `<live-inbox>`: the messages and notifications of a signed-in member, behind one button: messages
 * with typing, receipts and presence; and, live, replies, mentions, removals and time-outs.
 *
 * It shares the connection of a `<live-comments>`: the one with the id in `for`, else the first of
 * the page. Where there is none it has its own, with `server`, `token` or the property `getToken`.
 * Without a signed-in member nothing is shown. Other attributes: `theme` (`auto` | `light` |
 * `dark`), `messages` (who may write to whom beyond hosts and moderators, as in the policy file:
 * `staff` | `members` | `anyone`).
 *
 * Style: the custom properties of `<live-comments>`, and `::part(button | panel | toast)`.
 */

import { type PropertyValues, ReactiveElement, unsafeCSS } from "@lit/reactive-element";
import { type Author, type Client, createClient, type Person } from "@ovation/client";
import { type Me, readToken } from "./element/identity.ts";
import { hueCss } from "./element/list/name-colour.ts";
import { serverOf } from "./element/server-base.ts";
import panelCss from "./inbox/inbox.css" with { type: "text" };
import { InboxView } from "./inbox/inbox-view.ts";
import { type MessageRule, mayWrite } from "./inbox/may-write.ts";
import toastCss from "./inbox/toasts.css" with { type: "text" };
import type { LiveComments } from "./live-comments.ts";

type Source = string | undefined | Promise<string | undefined>;

export class LiveInbox extends ReactiveElement {
  static override properties = {
    for: {},
    server: {},
    token: {},
    theme: { reflect: true },
    messages: {},
    getToken: { attribute: false },
  };
  static override styles = [panelCss, toastCss, hueCss].map((css) => unsafeCSS(css));

  declare for: string | undefined;
  declare server: string | undefined;
  declare token: string | undefined;
  declare theme: "auto" | "light" | "dark" | undefined;
  declare messages: MessageRule | undefined;
  /** Fetches a token; `undefined` without a signed-in member. */
  declare getToken: (() => Source) | undefined;

  #comments: LiveComments | undefined;
  /** Its own connection, where no comments are on the page. */
  #ownClient: Client | undefined;
  #client: Client | undefined;
  #view: InboxView | undefined;
  #begun = false;
  readonly #identified = (): void => this.#share();

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.#begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#end();
  }

  protected override updated(changed: PropertyValues<this>): void {
    const sources = ["for", "server", "token", "getToken"] as const;
    if (!this.#begun || sources.some((name) => changed.has(name))) this.#begin();
    this.#view?.update();
  }

  /** Opens the conversation with a member, also a new one. */
  write(person: Person): void {
    this.#view?.write(person);
  }

  #begin(): void {
    this.#begun = true;
    this.#end();
    if (!this.isConnected) return;
    this.#comments = this.#findComments();
    if (this.#comments === undefined) {
      void this.#connect();
      return;
    }
    this.#comments.addEventListener("identity-changed", this.#identified);
    this.#comments.messageTo = (author) => this.#messageTo(author);
    this.#share();
  }

  #end(): void {
    this.#comments?.removeEventListener("identity-changed", this.#identified);
    if (this.#comments !== undefined) this.#comments.messageTo = undefined;
    this.#comments = undefined;
    this.#use(undefined, undefined);
    this.#ownClient?.close();
    this.#ownClient = undefined;
  }

  #findComments(): LiveComments | undefined {
    if (this.token !== undefined || this.getToken !== undefined) return undefined;
    const root = this.getRootNode() as Document | ShadowRoot;
    return (
      root.querySelector<LiveComments>(
        this.for === undefined ? "live-comments" : `live-comments#${CSS.escape(this.for)}`,
      ) ?? undefined
    );
  }

  /** Uses the connection and the identity of the comments. */
  #share(): void {
    const session = this.#comments?.session;
    this.#use(session?.client, session?.me);
  }

  /** Opens its own connection. */
  async #connect(): Promise<void> {
    const source = (): Source =>
      this.getToken === undefined ? this.token || undefined : this.getToken();
    const first = await source();
    const me = readToken(first, "");
    if (
      me === undefined ||
      !this.isConnected ||
      this.#comments !== undefined ||
      this.#ownClient !== undefined
    )
      return;
    let asked = false;
    const token = (): Source => {
      // The token fetched for the identity serves for the first connection too.
      if (asked) return source();
      asked = true;
      return first;
    };
    this.#ownClient = createClient({ url: this.server || serverOf(import.meta.url), token });
    this.#use(this.#ownClient, me);
  }

  #use(client: Client | undefined, me: Me | undefined): void {
    // An opaque token has no identity that a page can read.
    const known = me?.id === "" ? undefined : me;
    if (client === this.#client && known?.id === this.#view?.me.id) return;
    this.#view?.close();
    this.#client = client;
    this.#view =
      client === undefined || known === undefined ? undefined : new InboxView(this, client, known);
    this.requestUpdate();
  }

  /** The video of the comments on the page. */
  get video(): string | undefined {
    return this.#comments?.video;
  }

  /** Only for authors that the viewer may write to, by the rule here; the server decides. */
  #messageTo(author: Author): (() => void) | undefined {
    const me = this.#view?.me;
    if (
      me === undefined ||
      author.id === me.id ||
      !mayWrite(me.role, author.role, this.messages ?? "staff")
    )
      return undefined;
    return () => this.write(author);
  }
}

if (customElements.get("live-inbox") === undefined) customElements.define("live-inbox", LiveInbox);
