/** Refreshes the list of live videos: the server renders it, the page replaces its own. */

const REFRESH_MS = 8000;

async function refresh(): Promise<void> {
  if (document.hidden) return;
  const response = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!response.ok) return;
  const fresh = new DOMParser()
    .parseFromString(await response.text(), "text/html")
    .querySelector("main");
  const present = document.querySelector("main");
  if (fresh === null || present === null) return;
  const ids = (root: Element): string =>
    [...root.querySelectorAll("[data-video]")]
      .map((item) => item.getAttribute("data-video"))
      .join(" ");
  if (ids(fresh) !== ids(present)) {
    present.replaceWith(fresh);
    return;
  }
  // The same videos: only their numbers, so that neither focus nor pictures flicker.
  const numbers = "[data-viewers], [data-likes], [data-comments]";
  const next = [...fresh.querySelectorAll(numbers)];
  for (const [index, element] of [...present.querySelectorAll(numbers)].entries()) {
    const text = next[index]?.textContent;
    if (text !== undefined && text !== null && element.textContent !== text)
      element.textContent = text;
  }
}

setInterval(() => {
  // The server is unreachable: the page keeps its list, and the next tick retries.
  refresh().catch((error: unknown) => console.warn("the list could not be refreshed", error));
}, REFRESH_MS);
