/** The line that says what is wrong with the connection, once it is worth saying. */

import { STATUS_DELAY_MS } from "./limits.ts";
import type { Session } from "./session.ts";
import type { Strings } from "./strings.ts";

export class StatusLine {
  /** Empty while all is well. */
  text = "";
  #wasConnected = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #session: Session;
  readonly #strings: () => Strings;
  readonly #changed: (said?: string) => void;

  /** `changed` is called when the line is another one; with a sentence to be said aloud where there is one. */
  constructor(session: Session, strings: () => Strings, changed: (said?: string) => void) {
    this.#session = session;
    this.#strings = strings;
    this.#changed = changed;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** Looks at the session again. Short interruptions are nobody's business. */
  update(): void {
    const { state, refused } = this.#session;
    clearTimeout(this.#timer);
    if (state.name === "connected" && refused === undefined) {
      const back = this.text !== "" && this.#wasConnected;
      this.#wasConnected = true;
      if (this.text !== "") this.#show("");
      if (back) this.#changed(this.#strings().t("connected"));
      return;
    }
    if (this.text !== "" || state.name === "failed" || refused !== undefined)
      this.#show(this.#describe());
    else this.#timer = setTimeout(() => this.#show(this.#describe()), STATUS_DELAY_MS);
  }

  #show(text: string): void {
    if (text === this.text) return;
    this.text = text;
    this.#changed();
  }

  #describe(): string {
    const { state, refused } = this.#session;
    const { t } = this.#strings();
    if (refused !== undefined) return t("refused");
    if (!navigator.onLine && state.name !== "failed") return t("offline");
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
