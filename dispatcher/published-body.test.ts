import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type PublishedValue, parsePublishedBody } from "./published-body.ts";

const read = (text: string, type = "application/json") =>
  parsePublishedBody(new TextEncoder().encode(text), type);
const dataOf = (values: readonly PublishedValue[]): readonly unknown[] =>
  values.map(({ data }) => data);

describe("the data of a published event is the text that its publisher wrote", () => {
  const event = fc.record(
    {
      topic: fc.string(),
      event: fc.oneof(fc.string(), fc.constant({ data: 1 }), fc.constant(null)),
      key: fc.oneof(fc.constant('"data":'), fc.constant(',"data":5'), fc.string()),
      // A member `__proto__` is left out on purpose (`exact-json.test.ts`).
      data: fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__")),
      after: fc.option(fc.integer()),
    },
    { requiredKeys: ["topic"] },
  );
  const ordered = event.chain((value) =>
    fc
      .shuffledSubarray(Object.keys(value), { minLength: Object.keys(value).length })
      .map((names) =>
        Object.fromEntries(names.map((name) => [name, (value as Record<string, unknown>)[name]])),
      ),
  );
  const expected = (values: readonly object[]) =>
    values.map((value) => ("data" in value ? JSON.stringify(value.data) : undefined));

  test("in a list, in lines and alone, canonical or with white space", () => {
    fc.assert(
      fc.property(fc.array(ordered, { minLength: 1, maxLength: 5 }), (values) => {
        const wanted = expected(values);
        const lines = values.map((value) => JSON.stringify(value)).join("\n");
        expect(dataOf(read(JSON.stringify(values)))).toEqual(wanted);
        expect(dataOf(read(JSON.stringify(values, null, 1)))).toEqual(wanted);
        expect(dataOf(read(lines, "application/x-ndjson"))).toEqual(wanted);
        expect(dataOf(read(JSON.stringify(values[0])))).toEqual(wanted.slice(0, 1));
      }),
      { numRuns: 500 },
    );
  });

  const texts: readonly (readonly [string, string | undefined])[] = [
    ['{"topic":"t","data":{"data":1}}', '{"data":1}'],
    ['{"data":[1,2],"topic":"t"}', "[1,2]"],
    ['{"at":{"data":7},"data":{"a":"}"}}', '{"a":"}"}'],
    ['{"topic":"\\"data\\":","data":"x"}', '"x"'],
    ['{"topic":"t","data":1.50}', "1.50"],
    ['{"topic":"t","data":-0}', "-0"],
    ['{"topic":"t","data":"\\u0041"}', '"\\u0041"'],
    ['{"topic":"t"}', undefined],
  ];
  for (const [text, data] of texts)
    test(text, () => {
      expect(dataOf(read(text))).toEqual([data]);
      expect(dataOf(read(`[${text},${text}]`))[1]).toBe(data);
      expect(dataOf(read(text, "application/x-ndjson"))[0]).toBe(data);
    });

  test("an integer that a double cannot hold is refused, wherever it is", () => {
    for (const type of ["application/json", "application/x-ndjson"])
      expect(() => read('{"topic":"t","data":[9007199254740993]}', type)).toThrow(
        "is not exactly a number",
      );
  });
});
