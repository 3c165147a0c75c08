/**
 * Fields that grow with their text, for browsers without `field-sizing` (Safari < 26.2, Firefox).
 */

const grown = new WeakMap<HTMLTextAreaElement, string>();

/** Called after each rendering; measures only changed text. The style sheet bounds the height. */
export function autoGrow(field: HTMLTextAreaElement | null): void {
  if (field === null || grown.get(field) === field.value) return;
  if (typeof CSS !== "undefined" && CSS.supports?.("field-sizing", "content")) return;
  field.style.height = "auto";
  // Not laid out yet: measured when it is shown.
  if (field.scrollHeight === 0) return;
  field.style.height = `${field.scrollHeight}px`;
  grown.set(field, field.value);
}
