/** Small things that the browser remembers. In a sandboxed frame there is no storage: then nothing is remembered. */

export function remember(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(`ovation:${key}`);
    else localStorage.setItem(`ovation:${key}`, value);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

export function recall(key: string): string | undefined {
  try {
    return localStorage.getItem(`ovation:${key}`) ?? undefined;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return undefined;
  }
}
