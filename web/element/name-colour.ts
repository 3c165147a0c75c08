/**
 * A member's colour is a hue made from the id. `styles.css` fixes lightness and chroma for each theme,
 * so that every hue keeps a contrast of 4.5 to the background; a test computes it for all of them.
 */

/** 0 to 359, the same for the same id everywhere. FNV-1a. */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++)
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % 360;
}
