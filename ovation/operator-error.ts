/** A mistake that the operator can correct: shown as a sentence, without a stack. */

export class OperatorError extends Error {
  override readonly name = "OperatorError";
}

/**
 * At the start it ends the program with exit code 1; at a reload all settings stay as they were.
 */
export function fail(message: string): never {
  throw new OperatorError(message);
}
