/** The menu: the settings, or the actions of a comment. Its content is loaded on first use. */

import { nothing, type TemplateResult } from "lit/html.js";
import type { Item } from "../list/comment-store.ts";
import { setOpen } from "../platform/popover.ts";
import type { ActionsModel, SettingsModel } from "./menu-content.ts";

const MARGIN_PX = 8;

export interface MenuHost {
  readonly renderRoot: ParentNode;
  readonly updateComplete: Promise<boolean>;
  requestUpdate(): void;
  settings(): SettingsModel;
  actions(): ActionsModel;
  /** Says why it did not open. */
  failed(code: string): void;
}

export class Menu {
  #open: "settings" | Item | undefined;
  /** Where the focus was, and returns to. */
  #before: HTMLElement | undefined;
  #content: typeof import("./menu-content.ts") | undefined;
  readonly #host: MenuHost;

  constructor(host: MenuHost) {
    this.#host = host;
  }

  /** Fetches the content ahead: after an upgrade the server has only the next build's. */
  async prepare(): Promise<void> {
    this.#content ??= await import("./menu-content.ts");
  }

  async open(what: "settings" | Item, opener: HTMLElement): Promise<void> {
    try {
      await this.prepare();
    } catch (error) {
      // The network is away, or the server has a newer build; the next press tries again.
      console.warn("live-comments: the menu could not be loaded", error);
      this.#host.failed("menu");
      return;
    }
    const popover = this.#popover;
    if (popover === null) return;
    this.#open = what;
    const { activeElement } = popover.getRootNode() as ShadowRoot;
    this.#before = activeElement instanceof HTMLElement ? activeElement : opener;
    this.#host.requestUpdate();
    await this.#host.updateComplete;
    popover.ontoggle = (event) => {
      if (event.newState === "closed") this.#closed(popover);
    };
    setOpen(popover, true);
    this.#place(popover, opener);
    popover.querySelector<HTMLElement>("button, input")?.focus();
  }

  close(): void {
    if (this.#popover !== null) setOpen(this.#popover, false);
  }

  render(): TemplateResult | typeof nothing {
    if (this.#open === undefined || this.#content === undefined) return nothing;
    return this.#open === "settings"
      ? this.#content.renderSettings(this.#host.settings())
      : this.#content.renderActions(this.#open, this.#host.actions());
  }

  get #popover(): HTMLElement | null {
    return this.#host.renderRoot.querySelector<HTMLElement>("[popover]");
  }

  /** Under its button, or over it where there is no room. */
  #place(popover: HTMLElement, opener: HTMLElement): void {
    const { left, right, top, bottom } = opener.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = popover;
    const start = getComputedStyle(opener).direction === "rtl" ? left : right - width;
    const leftMax = innerWidth - width - MARGIN_PX;
    popover.style.left = `${Math.max(MARGIN_PX, Math.min(leftMax, start))}px`;
    const fitsBelow = bottom + height + MARGIN_PX <= innerHeight;
    const above = Math.max(MARGIN_PX, top - height - 4);
    popover.style.top = `${fitsBelow ? bottom + 4 : above}px`;
  }

  #closed(popover: HTMLElement): void {
    this.#open = undefined;
    const { activeElement } = popover.getRootNode() as ShadowRoot;
    // The browser returns the focus to the shadow root's host only; an action may have moved it.
    if (activeElement === null || popover.contains(activeElement))
      this.#before?.focus({ preventScroll: true });
    this.#host.requestUpdate();
  }
}
