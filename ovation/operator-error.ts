/** What an operator can mend: a sentence that says what to do, in place of a stack. */

export class OperatorMistake extends Error {
  override readonly name = "OperatorMistake";
}
