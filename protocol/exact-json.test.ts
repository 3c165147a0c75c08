import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { InexactJsonError, NUMBER_CHARACTERS_MAX, scanJson } from "./exact-json.ts";
import { JSON_DEPTH_MAX } from "./limits.ts";

/** The text of `data`, as it is carried. */
function carried(data: string): string | undefined {
  const text = `{"topic":"video:1","data":${data}}`;
  JSON.parse(text);
  return scanJson(text, { member: "data" })[0];
}

function refusal(data: string, anyUnits = false): string {
  try {
    scanJson(`{"data":${data}}`, { member: "data", anyUnits });
  } catch (error) {
    if (error instanceof InexactJsonError) return error.message;
    throw error;
  }
  return "";
}

describe("carried byte for byte", () => {
  for (const data of [
    "1.0",
    "-0",
    "-0.0",
    "1e3",
    "1E+3",
    "100000000000000000000",
    "9007199254740992",
    "0.1",
    "123456789012345.6",
    "1.7976931348623157e308",
    "5e-324",
    '"\\u00e9\\/\\u0000\\ud83d\\ude00"',
    '{"b":1,"a":2,"1":3}',
    '{"constructor":1,"toString":[]}',
    '[[],{},"",null,true,false]',
    '"a \\" b \\\\"',
    '{"a\\"b":"c\\\\"}',
  ])
    test(data, () => expect(carried(data)).toBe(data));

  test("whitespace between tokens is removed, none within strings", () => {
    expect(carried('{ "a b" :\r\n\t[ 1 , "x  \\" y" , { } ] }')).toBe('{"a b":[1,"x  \\" y",{}]}');
  });
});

describe("refused, by its path", () => {
  const tooDeep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  for (const [data, message] of [
    ["9007199254740993", "data: 9007199254740993 is not exactly a number of 64 bits"],
    ['{"id":[1,12345678901234567890]}', "data.id[1]: 12345678901234567890 is not"],
    ["0.1000000000000000055", "data: 0.1000000000000000055 is not"],
    ["3.14159265358979323846", "data: 3.14159265358979323846 is not"],
    ["1e999", "data: 1e999 is not"],
    ["-1e999", "data: -1e999 is not"],
    ["1e-400", "data: 1e-400 is not"],
    [`1e${"9".repeat(100)}`, `data: 1e${"9".repeat(38)}… is not`],
    ['{"a":1,"b":2,"a":1}', "data.a: this member is there twice"],
    ['{"a":1,"\\u0061":1}', "data.a: this member is there twice"],
    ['{"x":{"__proto__":1}}', "data.x.__proto__: a member of this name"],
    ['{"x":{"\\u005f_proto__":1}}', "data.x.__proto__: a member of this name"],
    ['{"we ird":["\\ud800"]}', 'data["we ird"][0]: the string has half'],
    ['{"\\udc00":1}', 'data["\ufffd"]: the string has half'],
  ] as const)
    test(data.slice(0, 60), () => expect(refusal(data)).toStartWith(message));

  test("a duplicate property in an object with many", () => {
    const members = Array.from({ length: 40 }, (_, index) => `"m${index}":1`);
    expect(refusal(`{${members.join(",")}}`)).toBe("");
    expect(refusal(`{${members.join(",")},"m3":1}`)).toStartWith("data.m3: this member is there");
    expect(refusal(`{${members.join(",")},"m39":1}`)).toStartWith("data.m39: this member is");
  });

  test("nesting up to JSON_DEPTH_MAX levels is carried, deeper is refused", () => {
    expect(refusal(tooDeep(JSON_DEPTH_MAX))).toBe("");
    expect(refusal(tooDeep(JSON_DEPTH_MAX + 1))).toContain(
      `nested deeper than ${JSON_DEPTH_MAX} levels`,
    );
  });

  test("lone surrogates pass where the text has rules of its own", () => {
    expect(refusal('"\\ud800"', true)).toBe("");
  });
});

test("the property of each element of a list; unchecked text is never refused", () => {
  const text = '[{"data":1},{"topic":"x"},{"data":{"data":2}},3, {"data" : [ ] }]';
  expect(scanJson(text, { member: "data" }) as unknown[]).toEqual([
    "1",
    undefined,
    '{"data":2}',
    undefined,
    "[]",
  ]);
  const old = '{"data":{"__proto__":["\\ud800",9007199254740993]}}';
  expect(scanJson(old, { member: "data", unchecked: true }) as unknown[]).toEqual([
    '{"__proto__":["\\ud800",9007199254740993]}',
  ]);
});

test("a number over NUMBER_CHARACTERS_MAX characters is refused unparsed", () => {
  const zeros = (count: number) => `1.${"0".repeat(count - 2)}`;
  expect(refusal(zeros(NUMBER_CHARACTERS_MAX))).toBe("");
  expect(refusal(zeros(NUMBER_CHARACTERS_MAX + 1))).toContain("is not exactly a number");
  expect(refusal(`1e-${"9".repeat(900_000)}`)).toContain("is not exactly a number");
});

test("any JSON is carried as JSON.parse reads it; numbers are exact or refused", () => {
  const indent = fc.constantFrom(undefined, 1, 3);
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), indent, (value, spaces) => {
      const text = JSON.stringify(
        { before: [value], data: value, after: value },
        undefined,
        spaces,
      );
      if (text.includes("__proto__")) return;
      let found: string | undefined;
      try {
        found = scanJson(text, { member: "data" })[0];
      } catch (error) {
        // Lone surrogates are all that JSON.stringify writes and this refuses.
        expect(String(error)).toContain("surrogate");
        return;
      }
      expect(found).toBe(JSON.stringify(value));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.nat(20), fc.integer({ min: -30, max: 30 }), (n, cut, e) => {
      const digits = String(n);
      const literal = `${digits.slice(0, cut + 1)}${cut + 1 < digits.length ? "" : ".5"}e${e}`;
      if (!/^-?\d+(\.\d+)?e-?\d+$/.test(literal) || /^-?0\d/.test(literal)) return;
      const isCarried = refusal(literal) === "";
      // 15 digits always round-trip; of more, the result must equal the input.
      if (literal.replace(/e.*|\D/g, "").length <= 15) expect(isCarried).toBe(true);
      if (isCarried) expect(Number(carried(literal))).toBe(Number(literal));
    }),
    { numRuns: 2000 },
  );
});
