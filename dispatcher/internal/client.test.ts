import { afterEach, expect, test } from "bun:test";
import { testAuth } from "../testing/internal-frontend.ts";
import { ANSWER_BYTES_MAX, CallFailedError, createInternalClient } from "./client.ts";

let server: ReturnType<typeof Bun.serve> | undefined;
afterEach(() => server?.stop(true));

/** A JSON text of so many bytes, with its length announced or not. */
function answering(bytes: number, isAnnounced: boolean): string {
  const text = `"${"x".repeat(bytes - 2)}"`;
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      new Response(
        isAnnounced ? text : new Blob([text]).stream().pipeThrough(new TransformStream()),
      ),
  });
  return `http://127.0.0.1:${server.port}`;
}

for (const isAnnounced of [true, false]) {
  const length = isAnnounced ? "announced" : "unknown";
  test(`ANSWER_BYTES_MAX: one byte more is no answer (length ${length})`, async () => {
    for (const [answerBytesMax, client] of [
      [200_000, createInternalClient({ auth: testAuth(), from: "x", answerBytesMax: 200_000 })],
      [ANSWER_BYTES_MAX, createInternalClient({ auth: testAuth(), from: "x" })],
    ] as const) {
      const call = (bytes: number) =>
        client.call(answering(bytes, isAnnounced), "/", "", { timeoutMs: 20_000 });
      expect(String(await call(answerBytesMax))).toHaveLength(answerBytesMax - 2);
      await server?.stop(true);
      expect(call(answerBytesMax + 1)).rejects.toThrow("the answer is too large");
      await call(answerBytesMax + 1).catch((error: unknown) =>
        expect(error).toBeInstanceOf(CallFailedError),
      );
      await server?.stop(true);
    }
  }, 20_000);
}
