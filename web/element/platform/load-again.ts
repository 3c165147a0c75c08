/** Loads a part of the element; again where the network failed, until it is there. */

/** The longest wait between two tries to load the view. */
export const VIEW_WAIT_MS_MAX = 30_000;

export async function loadAgain<Part>(load: () => Promise<Part>, waitMs = 500): Promise<Part> {
  try {
    return await load();
  } catch (error) {
    console.warn("live-comments: the view could not be loaded, and is tried again", error);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    return loadAgain(load, Math.min(waitMs * 2, VIEW_WAIT_MS_MAX));
  }
}
