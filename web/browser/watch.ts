/** The watch page: the player, the figures under it, and the ways to take the comments elsewhere. */

import { startPlayer } from "./player.ts";

const DONE_MS = 1800;

const player = document.querySelector<HTMLElement>("[data-player]");
if (player !== null) startPlayer(player);

const comments = document.querySelector("live-comments");
const numbers = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: 1 });

/** Puts a fresh number into a sentence that the server wrote, whatever its language: only the number differs. */
function showFigure(selector: string, value: number | undefined): void {
  const element = document.querySelector<HTMLElement>(selector);
  if (element === null || value === undefined) return;
  element.dataset["words"] ??= element.textContent?.replace(/[\p{Nd}.,٫٬]+(\s?\p{L}{1,4}\b(?=\s))?/u, "{n}") ?? "{n}";
  const text = element.dataset["words"].replace("{n}", numbers.format(value));
  if (element.textContent !== text) element.textContent = text;
}

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
  const url = `${location.origin}/watch/${id}`;
  run(navigator.share === undefined ? copy(url, button) : navigator.share({ title: dialog?.dataset["title"] ?? "", url }));
});

document.querySelector("[data-pop-out]")?.addEventListener("click", () => {
  open(`/embed/${id}`, "_blank", "noopener,popup,width=400,height=720");
});

const { origin } = location;
const snippets: Readonly<Record<string, string>> = {
  element: `<script type="module" src="${origin}/live-comments.js"></script>\n<live-comments video="${dialog?.dataset["video"] ?? ""}"></live-comments>`,
  frame: `<iframe src="${origin}/embed/${id}" title="Live comments"\n  width="400" height="600" loading="lazy"></iframe>`,
};
for (const element of document.querySelectorAll<HTMLElement>("[data-snippet]"))
  element.textContent = snippets[element.dataset["snippet"] ?? ""] ?? "";
for (const button of document.querySelectorAll<HTMLElement>("[data-copy]")) {
  button.addEventListener("click", () => {
    const kind = button.dataset["copy"] ?? "";
    run(copy(snippets[kind] ?? "", button, document.querySelector<HTMLElement>(`[data-snippet="${kind}"]`) ?? undefined));
  });
}
document.querySelector("[data-embed]")?.addEventListener("click", () => dialog?.showModal());
dialog?.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
