/**
 * For requests that report their own trouble: nobody waits for them, and a mistake of the program
 * is not swallowed.
 */
export function unawaited(request: Promise<unknown>): void {
  request.catch((error: unknown) => {
    queueMicrotask(() => {
      throw error;
    });
  });
}
