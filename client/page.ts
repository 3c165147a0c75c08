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
  if (typeof document === "undefined" || typeof addEventListener === "undefined") return () => {};
  const onVisibility = () => (document.visibilityState === "visible" ? onWake() : onHide());
  addEventListener("offline", onOffline);
  addEventListener("online", onWake);
  addEventListener("pageshow", onWake);
  addEventListener("pagehide", onHide);
  document.addEventListener("visibilitychange", onVisibility);
  return () => {
    removeEventListener("offline", onOffline);
    removeEventListener("online", onWake);
    removeEventListener("pageshow", onWake);
    removeEventListener("pagehide", onHide);
    document.removeEventListener("visibilitychange", onVisibility);
  };
}

/**
 * Whether the tabs of this origin should share one connection to `url`: where the browser would open
 * six at most (HTTP/1.1), and has the means. Over HTTP/2 and 3 each tab has a stream of its own.
 */
export function mustShareConnections(url: string): boolean {
  if (typeof document === "undefined" || typeof BroadcastChannel === "undefined" || !globalThis.navigator?.locks) return false;
  const { origin, protocol } = new URL(url);
  let spoken = protocol === "http:" ? "http/1.1" : "";
  for (const type of ["navigation", "resource"]) {
    for (const entry of performance.getEntriesByType(type) as PerformanceResourceTiming[]) {
      if (entry.name.startsWith(`${origin}/`) && entry.nextHopProtocol !== "") spoken = entry.nextHopProtocol;
    }
  }
  return spoken.startsWith("http/1");
}
