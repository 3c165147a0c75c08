/** A running process of any role. */

export interface RunningRole {
  readonly url: string;
  /**
   * Sends clients elsewhere, finishes requests in flight, closes what was opened. Resolves with one
   * sentence for each thing that was accepted and is lost.
   */
  stop(): Promise<readonly string[]>;
}
