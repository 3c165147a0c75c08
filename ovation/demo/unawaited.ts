/**
 * For requests that report their own failures: no code awaits them, and a mistake of the program
 * is not swallowed.
 */
export function unawaited(request: Promise<unknown>): void {
  request.catch((error: unknown) => {
    queueMicrotask(() => {
      throw error;
    });
  });
}
