/** Announcements to screen readers: results of the reader's actions, and new comments. */

import type { Comment } from "@ovation/client";
import { ANNOUNCEMENTS_KEPT, SAID_MS } from "../limits.ts";
import { cleanText, mentions } from "../list/text.ts";
import type { Strings } from "../strings.ts";
import { ANNOUNCE_MODES, type AnnounceMode, type Announcer, createAnnouncer } from "./announcer.ts";
import { recall, remember } from "./storage.ts";

export class Speech {
  readonly #root: ParentNode;
  readonly #strings: () => Strings;
  readonly #announcer: Announcer;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `root` has an element `.said` and a log `.announcer`. */
  constructor(root: ParentNode, strings: () => Strings) {
    this.#root = root;
    this.#strings = strings;
    this.#announcer = createAnnouncer(
      (text) => this.#announce(text),
      (n) => strings().t("newComments", { n }),
      ANNOUNCE_MODES.find((mode) => mode === recall("announce")) ?? "all",
    );
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#announcer.stop();
  }

  get mode(): AnnounceMode {
    return this.#announcer.mode;
  }

  setMode(mode: AnnounceMode): void {
    remember("announce", mode);
    this.#announcer.stop();
    this.#announcer.mode = mode;
  }

  say(text: string): void {
    const put = (words: string): void => this.#root.querySelector(".said")?.replaceChildren(words);
    put(text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => put(""), SAID_MS);
  }

  /** A comment of another member arrived; `name` is the reader's own. */
  arrived({ text, author }: Comment, name: string | undefined): void {
    const important = author.role === "host" || author.role === "moderator" || mentions(text, name);
    const said = { name: cleanText(author.name), text: cleanText(text) };
    this.#announcer.add({ text: this.#strings().t("said", said), important });
  }

  #announce(text: string): void {
    const log = this.#root.querySelector(".announcer");
    const line = document.createElement("p");
    line.textContent = text;
    log?.append(line);
    while (log !== null && log.childElementCount > ANNOUNCEMENTS_KEPT)
      log.firstElementChild?.remove();
  }
}
