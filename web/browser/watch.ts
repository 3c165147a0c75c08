/** The watch page: the player, the figures under it, and the share, embed and pop-out buttons. */

import { tried } from "@ovation/client/tried";
import { copyText } from "../element/platform/clipboard.ts";
import { serverOf } from "../element/server-base.ts";
import type { LiveComments } from "../live-comments.ts";
import { claimedBy, decide } from "./handed-token.ts";
import { startPlayer } from "./player.ts";

const DONE_MS = 1800;
/** The pages may be below a path of a site. */
const server = serverOf(import.meta.url);

const player = document.querySelector<HTMLElement>("[data-player]");
if (player !== null) startPlayer(player);

const comments = document.querySelector<LiveComments>("live-comments");
const numbers = tried(
  () =>
    new Intl.NumberFormat(document.documentElement.lang, {
      notation: "compact",
      maximumFractionDigits: 1,
    }),
);

/** Replaces the number in a sentence that the server rendered, whatever its language. */
function showFigure(selector: string, value: number | undefined): void {
  const element = document.querySelector<HTMLElement>(selector);
  if (element === null || value === undefined) return;
  element.dataset["words"] ??=
    element.textContent?.replace(/[\p{Nd}.,٫٬]+(\s?\p{L}{1,4}\b(?=\s))?/u, "{n}") ?? "{n}";
  const text = element.dataset["words"].replace("{n}", numbers?.format(value) ?? String(value));
  if (element.textContent !== text) element.textContent = text;
}

const TOKEN_KEY = "ovation:token";
/** Without storage the token is kept until the page is left. */
let taken: string | undefined;

/**
 * The token of a link from a site with a login: `/watch/42#token=…`. The fragment reaches no server
 * and no log; it is removed from the URL at once, and kept for reloads of this tab until it
 * expires.
 */
function takeToken(): string | undefined {
  const handed = new URLSearchParams(location.hash.slice(1)).get("token");
  if (handed !== null) {
    tried(() => history.replaceState(history.state, "", location.pathname + location.search));
    if (mayTake(handed)) {
      taken = handed;
      tried(() => sessionStorage.setItem(TOKEN_KEY, handed));
    }
  }
  return keptToken();
}

function keptToken(): string | undefined {
  const token = tried(() => sessionStorage.getItem(TOKEN_KEY)) ?? taken;
  if (token === undefined || expiryOf(token) > Date.now()) return token;
  tried(() => sessionStorage.removeItem(TOKEN_KEY));
  return undefined;
}

function mayTake(handed: string): boolean {
  const {
    tokenOrigins = "",
    site = "",
    continueAs = "{name}?",
  } = document.querySelector("main")?.dataset ?? {};
  const claimed = claimedBy(handed);
  const navigation = {
    ownOrigin: location.origin,
    referrer: document.referrer,
    site,
    allowedOrigins: tokenOrigins.split(" "),
  };
  const decision = decide(navigation, claimed, claimedBy(keptToken()));
  if (decision === "drop")
    console.warn("the token of this link is not taken: list its origin under pages.tokenOrigins");
  return (
    decision === "take" ||
    (decision === "ask" && confirm(continueAs.replace("{name}", () => claimed?.name ?? "")))
  );
}

/** ms since 1970. A token of another form is left to the server to refuse. */
function expiryOf(token: string): number {
  try {
    const claims: unknown = JSON.parse(
      atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")),
    );
    const exp =
      typeof claims === "object" && claims !== null && "exp" in claims ? claims.exp : undefined;
    return typeof exp === "number" ? exp * 1000 : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

const token = takeToken();
if (token !== undefined) comments?.setAttribute("token", token);

/** The inbox is loaded only for readers with a name. */
const INBOX = `${server}/live-inbox.js`;
const loadInbox = (): void => {
  if (comments?.session?.me === undefined) return;
  import(INBOX).then(
    () => comments?.removeEventListener("identity-changed", loadInbox),
    (error: unknown) => console.warn("the inbox could not be loaded", error),
  );
};
comments?.addEventListener("identity-changed", loadInbox);
// The element may have dispatched the event before this script was loaded.
loadInbox();

comments?.addEventListener("stats-changed", (event) => {
  const { viewers, likes } = (event as CustomEvent<{ viewers?: number; likes?: number }>).detail;
  showFigure("[data-viewers]", viewers);
  showFigure("[data-likes]", likes);
});

/**
 * Copies, and confirms it on the button; where that is refused, shows the text to copy manually.
 */
async function copy(text: string, button: HTMLElement): Promise<void> {
  if (!(await copyText(text))) {
    prompt(button.textContent?.trim(), text);
    return;
  }
  const label = button.querySelector("span") ?? button;
  const before = label.textContent;
  label.textContent = button.dataset["done"] ?? before;
  setTimeout(() => {
    label.textContent = before;
  }, DONE_MS);
}

async function share(url: string, title: string, button: HTMLElement): Promise<void> {
  try {
    await navigator.share({ title, url });
  } catch (error) {
    // Closing the share sheet is no failure. Where sharing is missing or refused, copy the link.
    if (!(error instanceof DOMException && error.name === "AbortError")) await copy(url, button);
  }
}

const dialog = document.querySelector("dialog");
const id = encodeURIComponent(dialog?.dataset["video"] ?? "");

document.querySelector<HTMLElement>("[data-share]")?.addEventListener("click", (event) => {
  const button = event.currentTarget as HTMLElement;
  void share(`${server}/watch/${id}`, dialog?.dataset["title"] ?? "", button);
});

document.querySelector("[data-pop-out]")?.addEventListener("click", () => {
  open(`${server}/embed/${id}`, "_blank", "noopener,popup,width=400,height=720");
});

const snippets: Readonly<Record<string, string>> = {
  element: [
    `<script type="module" src="${server}/live-comments.js"></script>`,
    `<live-comments video="${dialog?.dataset["video"] ?? ""}"></live-comments>`,
  ].join("\n"),
  frame: [
    `<iframe src="${server}/embed/${id}" title="Live comments"`,
    `  width="400" height="600" loading="lazy"></iframe>`,
  ].join("\n"),
};
for (const element of document.querySelectorAll<HTMLElement>("[data-snippet]"))
  element.textContent = snippets[element.dataset["snippet"] ?? ""] ?? "";
for (const button of document.querySelectorAll<HTMLElement>("[data-copy]")) {
  button.addEventListener("click", () => {
    void copy(snippets[button.dataset["copy"] ?? ""] ?? "", button);
  });
}
document.querySelector("[data-embed]")?.addEventListener("click", () => dialog?.showModal());
dialog?.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
