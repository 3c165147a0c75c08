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
