/** The target of a fault, by its name. */

export function finder<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
): (name: string) => Item {
  return (name) => {
    const found = items.find((item) => nameOf(item) === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  };
}
