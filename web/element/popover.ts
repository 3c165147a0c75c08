/** Popovers, also where the browser has none: then the element is shown where it stands. */

/** Whether it is open. */
export function isOpen(popover: HTMLElement): boolean {
  try {
    return popover.matches(":popover-open") || popover.style.display === "block";
  } catch {
    return popover.style.display === "block";
  }
}

/** Opens or closes it, with a `toggle` event where that changes something. */
export function setOpen(popover: HTMLElement, open: boolean): void {
  try {
    popover.togglePopover(open);
  } catch {
    if (isOpen(popover) === open) return;
    popover.style.display = open ? "block" : "none";
    const newState = open ? "open" : "closed";
    popover.dispatchEvent(Object.assign(new Event("toggle"), { newState }));
  }
}
