/**
 * Small things that the browser remembers. A sandboxed frame and blocked third-party storage throw,
 * some web views have `null`: then nothing is remembered, and the page works without.
 */

export function remember(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(`ovation:${key}`);
    else localStorage.setItem(`ovation:${key}`, value);
  } catch {
    // Refused, full or missing.
  }
}

export function recall(key: string): string | undefined {
  try {
    return localStorage.getItem(`ovation:${key}`) ?? undefined;
  } catch {
    return undefined;
  }
}
