/** For tests in which every connection must be admitted. */

import type { Refusal } from "../connections/admission.ts";

export function admitted<Value extends object>(result: Value | Refusal): Value {
  if (typeof result === "string") throw new Error(`refused: ${result}`);
  return result;
}
