/**
 * Sets the colours before anything is painted, and switches them. A classic script in the head: a
 * module would run after the first paint, and the page would flash.
 */

{
  const THEMES = ["auto", "light", "dark"] as const;
  const KEY = "ovation:theme";

  const stored = (): string => {
    try {
      return localStorage.getItem(KEY) ?? "auto";
    } catch {
      // No storage in a sandboxed frame.
      return "auto";
    }
  };

  const prefersDark = (): boolean => {
    try {
      return matchMedia("(prefers-color-scheme: dark)").matches;
    } catch {
      return false;
    }
  };

  const apply = (theme: string): void => {
    document.documentElement.dataset["theme"] = theme;
    for (const element of document.querySelectorAll(
      "body:not(.embed) :is(live-comments, live-inbox)",
    ))
      element.setAttribute("theme", theme);
  };

  apply(stored());
  document.addEventListener("DOMContentLoaded", () => {
    apply(stored());
    document.querySelector("[data-theme-switch]")?.addEventListener("click", () => {
      const dark = prefersDark();
      const now = document.documentElement.dataset["theme"];
      // The first click always changes the colours.
      const order = dark ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
      const next =
        THEMES.find(
          (theme) => theme === order[(order.indexOf(now ?? "auto") + 1) % order.length],
        ) ?? "auto";
      try {
        localStorage.setItem(KEY, next);
      } catch {
        // Then it lasts until the page is left.
      }
      apply(next);
    });
  });
}
