/** Network and visibility events of a browser page. Elsewhere nothing is watched. */

import { tried } from "./tried.ts";

export interface PageCallbacks {
  onOffline(): void;
  /** On-line again, visible again, resumed, or back from the back/forward cache. */
  onWake(): void;
  /** The page may close in a moment. */
  onHide(): void;
  /** The page is left or frozen: a browser may then take its locks, channels and sockets. */
  onSleep(): void;
}

/** Returns a function that ends the watch. */
export function watchPage({ onOffline, onWake, onHide, onSleep }: PageCallbacks): () => void {
  if (typeof document === "undefined") return () => {};
  const onVisibility = (): void => (document.visibilityState === "visible" ? onWake : onHide)();
  const watched: (readonly [EventTarget, string, () => void])[] = [
    [globalThis, "offline", onOffline],
    [globalThis, "online", onWake],
    [globalThis, "pageshow", onWake],
    [globalThis, "pagehide", onHide],
    [globalThis, "pagehide", onSleep],
    [document, "freeze", onSleep],
    [document, "resume", onWake],
    [document, "visibilitychange", onVisibility],
  ];
  for (const [target, type, run] of watched) target.addEventListener(type, run);
  return () => {
    for (const [target, type, run] of watched) target.removeEventListener(type, run);
  };
}

/**
 * Whether the tabs of this origin should share one connection to `url`: where the browser would
 * open at most six (HTTP/1.1). Over HTTP/2 and 3 each tab has its own stream.
 */
export function mustShareConnections(url: string): boolean {
  if (typeof document === "undefined") return false;
  const { origin, protocol } = new URL(url);
  let spoken = protocol === "http:" ? "http/1.1" : "";
  const entries = tried(() => [
    ...performance.getEntriesByType("navigation"),
    ...performance.getEntriesByType("resource"),
  ]);
  for (const entry of entries ?? []) {
    if (entry.name.startsWith(`${origin}/`))
      spoken = (entry as PerformanceResourceTiming).nextHopProtocol || spoken;
  }
  return spoken.startsWith("http/1");
}
