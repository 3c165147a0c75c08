/** What a browser page knows about its own network and visibility. Elsewhere nothing is watched. */

export interface PageCallbacks {
  onOffline(): void;
  /** On-line again, visible again, or back from the back/forward cache. */
  onWake(): void;
  /** The page may be gone in a moment. */
  onHide(): void;
}

/** Answers a function that ends the watch. */
export function watchPage({ onOffline, onWake, onHide }: PageCallbacks): () => void {
  const watch = new AbortController();
  if (typeof document !== "undefined") {
    const { signal } = watch;
    addEventListener("offline", onOffline, { signal });
    for (const type of ["online", "pageshow"]) addEventListener(type, onWake, { signal });
    addEventListener("pagehide", onHide, { signal });
    document.addEventListener(
      "visibilitychange",
      () => (document.visibilityState === "visible" ? onWake : onHide)(),
      { signal },
    );
  }
  return () => watch.abort();
}

/**
 * Whether the tabs of this origin should share one connection to `url`: where the browser would open
 * six at most (HTTP/1.1), and has the means. Over HTTP/2 and 3 each tab has a stream of its own.
 */
export function mustShareConnections(url: string): boolean {
  // Locks are there in secure contexts only: https, and localhost.
  if (
    typeof document === "undefined" ||
    typeof BroadcastChannel === "undefined" ||
    !navigator.locks
  )
    return false;
  const { origin, protocol } = new URL(url);
  let spoken = protocol === "http:" ? "http/1.1" : "";
  for (const entry of [
    ...performance.getEntriesByType("navigation"),
    ...performance.getEntriesByType("resource"),
  ]) {
    if (entry.name.startsWith(`${origin}/`))
      spoken = (entry as PerformanceResourceTiming).nextHopProtocol || spoken;
  }
  return spoken.startsWith("http/1");
}
