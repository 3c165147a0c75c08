/** The watch page: the player, the figures under it, and the ways to take the comments elsewhere. */

import { serverOf } from "../element/server-base.ts";
import { startPlayer } from "./player.ts";

const DONE_MS = 1800;
/** The pages may be below a path of a site. */
const server = serverOf(import.meta.url);

const player = document.querySelector<HTMLElement>("[data-player]");
if (player !== null) startPlayer(player);

const comments = document.querySelector("live-comments");
const numbers = new Intl.NumberFormat(document.documentElement.lang, {
  notation: "compact",
  maximumFractionDigits: 1,
});

/** Puts a fresh number into a sentence that the server wrote, whatever its language: only the number differs. */
function showFigure(selector: string, value: number | undefined): void {
  const element = document.querySelector<HTMLElement>(selector);
  if (element === null || value === undefined) return;
  element.dataset["words"] ??=
    element.textContent?.replace(/[\p{Nd}.,٫٬]+(\s?\p{L}{1,4}\b(?=\s))?/u, "{n}") ?? "{n}";
  const text = element.dataset["words"].replace("{n}", numbers.format(value));
  if (element.textContent !== text) element.textContent = text;
}

const TOKEN_KEY = "ovation:token";

/**
 * Who watches, where a site with a login sent them here: `/watch/42#token=…`. What follows `#` reaches no
 * server and no log; it is taken out of the address at once, and kept for reloads of this tab until it expires.
 */
function takeToken(): string | undefined {
  const handed = new URLSearchParams(location.hash.slice(1)).get("token");
  if (handed !== null) {
    history.replaceState(history.state, "", location.pathname + location.search);
    sessionStorage.setItem(TOKEN_KEY, handed);
  }
  const token = sessionStorage.getItem(TOKEN_KEY) ?? undefined;
  if (token === undefined || expiryOf(token) > Date.now()) return token;
  sessionStorage.removeItem(TOKEN_KEY);
  return undefined;
}

/** ms since 1970. A token that is none of ours is the server's to refuse. */
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

/** The inbox is loaded for those who have one: readers with a name. */
const INBOX = `${server}/live-inbox.js`;
const loadInbox = (event: Event): void => {
  if ((event as CustomEvent<unknown>).detail === null) return;
  import(INBOX).then(
    () => comments?.removeEventListener("identity-changed", loadInbox),
    (error: unknown) => console.warn("the inbox could not be loaded", error),
  );
};
comments?.addEventListener("identity-changed", loadInbox);

comments?.addEventListener("stats-changed", (event) => {
  const { viewers, likes } = (event as CustomEvent<{ viewers?: number; likes?: number }>).detail;
  showFigure("[data-viewers]", viewers);
  showFigure("[data-likes]", likes);
});

/** Copies, and says so on the button for a moment. Plain-http pages have no clipboard: then it is selected, to be copied by hand. */
async function copy(text: string, button: HTMLElement, selectable?: HTMLElement): Promise<void> {
  if (navigator.clipboard === undefined) {
    if (selectable !== undefined) getSelection()?.selectAllChildren(selectable);
    return;
  }
  await navigator.clipboard.writeText(text);
  const label = button.querySelector("span") ?? button;
  const before = label.textContent;
  label.textContent = button.dataset["done"] ?? before;
  setTimeout(() => {
    label.textContent = before;
  }, DONE_MS);
}

function run(work: Promise<void>): void {
  work.catch((error: unknown) => {
    // Closing the share sheet is no failure.
    if (!(error instanceof DOMException && error.name === "AbortError")) console.warn(error);
  });
}

const dialog = document.querySelector("dialog");
const id = encodeURIComponent(dialog?.dataset["video"] ?? "");

document.querySelector<HTMLElement>("[data-share]")?.addEventListener("click", (event) => {
  const button = event.currentTarget as HTMLElement;
  const url = `${server}/watch/${id}`;
  run(
    navigator.share === undefined
      ? copy(url, button)
      : navigator.share({ title: dialog?.dataset["title"] ?? "", url }),
  );
});

document.querySelector("[data-pop-out]")?.addEventListener("click", () => {
  open(`${server}/embed/${id}`, "_blank", "noopener,popup,width=400,height=720");
});

const snippets: Readonly<Record<string, string>> = {
  element: `<script type="module" src="${server}/live-comments.js"></script>\n<live-comments video="${dialog?.dataset["video"] ?? ""}"></live-comments>`,
  frame: `<iframe src="${server}/embed/${id}" title="Live comments"\n  width="400" height="600" loading="lazy"></iframe>`,
};
for (const element of document.querySelectorAll<HTMLElement>("[data-snippet]"))
  element.textContent = snippets[element.dataset["snippet"] ?? ""] ?? "";
for (const button of document.querySelectorAll<HTMLElement>("[data-copy]")) {
  button.addEventListener("click", () => {
    const kind = button.dataset["copy"] ?? "";
    run(
      copy(
        snippets[kind] ?? "",
        button,
        document.querySelector<HTMLElement>(`[data-snippet="${kind}"]`) ?? undefined,
      ),
    );
  });
}
document.querySelector("[data-embed]")?.addEventListener("click", () => dialog?.showModal());
dialog?.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
