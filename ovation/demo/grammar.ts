/**
 * A small grammar: `{a|b|c}` is one of the three, `{word}` one of the list with that name. Braces
 * nest through lists only, so a text is expanded from the outside in until nothing is left to
 * choose.
 */

export type WordLists = Readonly<Record<string, readonly string[]>>;

/** A mistake in a list would otherwise choose for ever. */
const DEPTH_MAX = 6;

export function expand(
  template: string,
  lists: WordLists,
  random: () => number,
  depth = 0,
): string {
  if (depth > DEPTH_MAX) throw new Error(`the lists of the grammar go in circles: ${template}`);
  return template.replace(/\{([^{}]*)\}/g, (_, choice: string) => {
    const named = Object.hasOwn(lists, choice) ? lists[choice] : undefined;
    const chosen = pick(named ?? choice.split("|"), random);
    return expand(chosen, lists, random, depth + 1);
  });
}

export function pick<Item>(items: readonly Item[], random: () => number): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}
