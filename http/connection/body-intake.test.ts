import { describe, expect, test } from "bun:test";
import { Problem } from "@ovation/protocol";
import { BODY_BYTES_MAX } from "../limits.ts";
import { BodyIntake } from "./body-intake.ts";
import { IncomingBody } from "./incoming-body.ts";

/** A body that counts how often it was given something to keep. */
class CountingBody extends IncomingBody {
  pushes = 0;

  override push(bytes: Uint8Array): void {
    this.pushes++;
    super.push(bytes);
  }
}

const newBody = () => new CountingBody({ onWanted() {} });

describe("the intake of a body", () => {
  test("by length takes so much and no more", async () => {
    const body = newBody();
    const intake = new BodyIntake({ kind: "length", bytes: 5 }, body);
    expect(intake.take(Buffer.from("abc"))).toBe(3);
    expect(intake.take(Buffer.from("deGET /"))).toBe(2);
    expect(intake.take(Buffer.from("GET /"))).toBe(0);
    expect(Buffer.from(await body.bytes()).toString()).toBe("abcde");
  });

  test("in chunks keeps one piece for all that came together, however small they are", async () => {
    const body = newBody();
    const intake = new BodyIntake({ kind: "chunked" }, body);
    const input = Buffer.from(`${"1\r\na\r\n".repeat(10_000)}0\r\n\r\nGET /`);
    expect(intake.take(input)).toBe(input.length - "GET /".length);
    expect(body.pushes).toBe(1);
    expect((await body.bytes()).length).toBe(10_000);
  });

  test("reports its fault to each caller that asks, and reads what still comes", async () => {
    for (const [text, code] of [
      ["zz\r\n", "invalid-request"],
      [
        `${(BODY_BYTES_MAX + 1).toString(16)}\r\n${"x".repeat(BODY_BYTES_MAX + 1)}`,
        "body-too-large",
      ],
    ] as const) {
      const body = newBody();
      const intake = new BodyIntake({ kind: "chunked" }, body);
      const input = Buffer.from(text);
      expect(intake.take(input)).toBe(input.length);
      expect(intake.problem?.code).toBe(code);
      const error = await body.bytes().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Problem);
    }
  });
});
