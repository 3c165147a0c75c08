/** Keys in text fields. */

/**
 * Whether an Enter belongs to an input method, which chooses a word with it. Chromium and Firefox
 * set `isComposing`; Safari ends the composition before the key, and only sets the code 229.
 * [spec] UI Events, 7.3.1: keyCode of a keydown that an input method processes is 229.
 */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Enter that sends: not one of an input method, and not with Shift, which starts a new line. */
export function isSend(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !isComposing(event);
}

/** An input method's Enter must not submit the form of its field. */
export function keepComposing(event: KeyboardEvent): void {
  if (event.key === "Enter" && isComposing(event)) event.preventDefault();
}
