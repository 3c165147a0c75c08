/** The status line: problems of the connection that last, and results of actions. */

import { NOTE_MS, STATUS_DELAY_MS } from "./limits.ts";
import type { Session } from "./session.ts";
import type { Strings } from "./strings.ts";

export class StatusLine {
  /** Empty while all is well. */
  text = "";
  #wasConnected = false;
  /** The line showed a lost connection. */
  #lost = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The result of the reader's action, shown while nothing else is wrong. */
  #note = "";
  #noteTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #session: Session;
  readonly #strings: () => Strings;
  readonly #changed: (said?: string) => void;

  /** `changed`: the line has changed, with a sentence for screen readers where there is one. */
  constructor(session: Session, strings: () => Strings, changed: (said?: string) => void) {
    this.#session = session;
    this.#strings = strings;
    this.#changed = changed;
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#noteTimer);
  }

  /** Shows for a while why the reader's action failed. */
  note(text: string): void {
    clearTimeout(this.#noteTimer);
    this.#note = text;
    this.#noteTimer = setTimeout(() => {
      this.#note = "";
      this.update();
    }, NOTE_MS);
    this.update();
  }

  /** Reads the session. Short interruptions are not shown. */
  update(): void {
    const { state, refused } = this.#session;
    clearTimeout(this.#timer);
    if (state.name === "connected" && refused === undefined) {
      const back = this.#lost && this.#wasConnected;
      this.#wasConnected = true;
      this.#lost = false;
      this.#show(this.#describeList());
      if (back) this.#changed(this.#strings().t("connected"));
      return;
    }
    const showLoss = (): void => {
      this.#lost = true;
      this.#show(this.#describe());
    };
    if (this.text !== "" || state.name === "failed" || refused !== undefined) showLoss();
    else this.#timer = setTimeout(showLoss, STATUS_DELAY_MS);
  }

  /** While connected: the state of the list, or the note. */
  #describeList(): string {
    const { standing, snapshot, deleted } = this.#session;
    const { t } = this.#strings();
    if (deleted) return t("error-video-deleted");
    if (standing === "whole") return this.#note;
    if (standing !== "failed") return t(standing);
    // Where nothing is shown yet, the list itself says that it failed.
    return snapshot === "ready" ? t("loadingAgain") : this.#note;
  }

  #show(text: string): void {
    if (text === this.text) return;
    this.text = text;
    this.#changed();
  }

  #describe(): string {
    const { state, refused } = this.#session;
    const { t } = this.#strings();
    if (this.#session.deleted) return t("error-video-deleted");
    if (refused !== undefined) return t("refused");
    if (navigator.onLine === false && state.name !== "failed") return t("offline");
    switch (state.name) {
      case "connecting":
        return this.#wasConnected ? t("reconnecting") : t("connecting");
      case "waiting":
        return t(
          state.reason === "offline"
            ? "offline"
            : state.reason === "server-asked"
              ? "serverAsked"
              : "reconnecting",
        );
      case "failed":
        return t(
          ({ "token-invalid": "tokenInvalid", forbidden: "refused", stopped: "stopped" } as const)[
            state.reason
          ],
        );
      default:
        return "";
    }
  }
}
