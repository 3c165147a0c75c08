/** The line about the sanction in force: shown until the sanction ends or is dismissed. */

import type { TemplateResult } from "lit/html.js";
import { describe } from "./describe.ts";
import { type Notices, type Sanction, untilEnd } from "./notices.ts";
import { renderToast } from "./toasts.ts";
import type { Words } from "./words.ts";

export class SanctionLine {
  readonly #changed: () => void;
  #dismissed: Sanction | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** The sanction to show at `now`; calls `changed` when it ends. */
  current(notices: Notices, now: number, video: string | undefined): Sanction | undefined {
    const sanction = notices.sanction(now, video);
    clearTimeout(this.#timer);
    if (sanction === undefined || sanction === this.#dismissed) return undefined;
    this.#timer = setTimeout(this.#changed, untilEnd(sanction, now));
    return sanction;
  }

  /** A new sanction: also shows one that was dismissed. */
  restore(): void {
    this.#dismissed = undefined;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  render(words: Words, now: number, sanction: Sanction): TemplateResult {
    const toast = { key: "sanction", ...describe(words, now, sanction) };
    const dismiss = (): void => {
      this.#dismissed = sanction;
      this.#changed();
    };
    return renderToast(words, toast, dismiss, "sanction");
  }
}
