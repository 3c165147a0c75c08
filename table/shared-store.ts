/**
 * The state that the processes of a data centre share besides the subscription table: rate limits,
 * small values that expire, and claims of a key. On the same store as the table; in one process it
 * is memory.
 *
 * The specification, held by `shared-store.contract.ts` for every form:
 *
 * - Each call is atomic for its key, over all processes.
 * - Nothing is permanent: every key expires. A store that restarts loses everything, which must be
 *   harmless to the caller: a limit starts again, a claim can be made again.
 * - Time is the store's, so that clocks of processes need not agree.
 * - Every method rejects with {@link TableUnavailableError} when the store cannot be reached; the
 *   caller decides what that means (a rate limit falls back to the process's own).
 */

/**
 * Characters of a key: it contains ids from outside (an address, a member), checked where they
 * entered.
 */
export const SHARED_KEY_CHARACTERS_MAX = 256;
export const SHARED_VALUE_CHARACTERS_MAX = 4096;

export interface Taken {
  readonly ok: boolean;
  /** When the same amount could be taken, ms from now; 0 where it was. */
  readonly retryAfterMs: number;
}

export interface Claim {
  /** Whether it is the caller's. */
  readonly mine: boolean;
  /**
   * The identity of the store in which it was made or found: another text once the store may have
   * lost keys (emptied, restarted, failed over). So a claim that was never made can be told from
   * one that was lost.
   */
  readonly life: string;
}

export interface SharedStore {
  /**
   * Takes `amount` from a bucket that holds `limit` and refills evenly within `windowMs` (GCRA: one
   * number per key). All or nothing. More than `limit` is never available: `retryAfterMs` is
   * `windowMs` then.
   */
  take(key: string, amount: number, limit: number, windowMs: number): Promise<Taken>;
  /**
   * Succeeds for the first caller within `ttlMs` and for no other: at most once per identity of the
   * store, over all processes. Where the reply was lost, the same caller may ask again.
   */
  claim(key: string, ttlMs: number): Promise<Claim>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
  /** In the order of the keys; `undefined` where there is none or it expired. */
  get(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
  close(): Promise<void>;
}

/** Keys and values are made by programs: one that is too long is a bug, not an input. */
export function checkSharedKey(key: string): string {
  if (key.length === 0 || key.length > SHARED_KEY_CHARACTERS_MAX)
    throw new RangeError("a shared key has 1 to 256 characters");
  return key;
}

export function checkSharedValue(value: string): string {
  if (value.length > SHARED_VALUE_CHARACTERS_MAX)
    throw new RangeError("a shared value has at most 4,096 characters");
  return value;
}
