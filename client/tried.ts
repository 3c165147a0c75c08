/**
 * Optional browser facilities are tried, never assumed: one may be missing (plain http, an old
 * browser), throw (blocked storage, a sandboxed frame), or reject. Undefined then.
 */
export function tried<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
