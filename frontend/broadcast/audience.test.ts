import { expect, test } from "bun:test";
import fc from "fast-check";
import { Audience } from "./audience.ts";

interface Entry {
  readonly name: number;
  index: number;
}
const entry = (name: number): Entry => ({ name, index: -1 });
const namesOf = (audience: Audience<Entry>) =>
  audience.list.flatMap((each) => (each === null ? [] : each.name));

test("outside a round, the last entry takes the place of a removed one", () => {
  const audience = new Audience<Entry>();
  const [first, second, third] = [entry(1), entry(2), entry(3)];
  for (const each of [first, second, third]) audience.add(each);
  audience.remove(first, false);
  expect([namesOf(audience), third.index, audience.size]).toEqual([[3, 2], 0, 2]);
});

test("in a round, a removed entry leaves a hole, and the others keep their places", () => {
  const audience = new Audience<Entry>();
  const [first, second, third] = [entry(1), entry(2), entry(3)];
  for (const each of [first, second, third]) audience.add(each);
  audience.remove(second, true);
  expect(audience.list).toEqual([first, null, third]);
  expect(audience.size).toBe(2);
  audience.compact();
  expect([namesOf(audience), third.index]).toEqual([[1, 3], 1]);
});

test("after any changes every entry is at its index, once", () => {
  const change = fc.record({ add: fc.boolean(), at: fc.nat(), walking: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const audience = new Audience<Entry>();
      const here: Entry[] = [];
      let inRound = false;
      for (const [name, { add, at, walking }] of changes.entries()) {
        // A round ends before entries move again.
        if (inRound && !walking) audience.compact();
        inRound = walking;
        if (add || here.length === 0) {
          const added = entry(name);
          here.push(added);
          audience.add(added);
        } else {
          const [removed] = here.splice(at % here.length, 1);
          if (removed !== undefined) audience.remove(removed, walking);
        }
        expect(audience.size).toBe(here.length);
        for (const each of here) expect(audience.list[each.index]).toBe(each);
        expect(namesOf(audience).toSorted()).toEqual(here.map((each) => each.name).toSorted());
      }
    }),
  );
});
