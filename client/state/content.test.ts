import { expect, test } from "bun:test";
import { readContent } from "./content.ts";

const message = (type: string, data: string) => ({ type, data, lastEventId: "" });

test("the type is inside the data, or the SSE name of an earlier server", () => {
  expect(readContent(message("message", '{"type":"likes","seq":1}'))).toEqual({
    type: "likes",
    fields: { type: "likes", seq: 1 },
  });
  expect(readContent(message("comment", '{"seq":1}'))?.type).toBe("comment");
  expect(readContent(message("comment", '{"type":7}'))?.type).toBe("comment");
});

test("data that is no object has no content", () => {
  for (const data of ["", "{", "null", "7", '"text"'])
    expect(readContent(message("comment", data))).toBeUndefined();
});
