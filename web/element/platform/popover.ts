/** Popovers, also where the browser has none: then the element is shown where it stands. */

/** Opens or closes it, with a `toggle` event where that changes something. */
export function setOpen(popover: HTMLElement, open: boolean): void {
  try {
    popover.togglePopover(open);
  } catch {
    popover.style.display = open ? "block" : "none";
    const newState = open ? "open" : "closed";
    popover.dispatchEvent(Object.assign(new Event("toggle"), { newState }));
  }
}
