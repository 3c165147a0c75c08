import { describe, expect, test } from "bun:test";
import { createManualClock, settle } from "../../testing/manual-clock.ts";
import { CLAIMS_CACHED_MAX } from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { LogReads } from "./log-reads.ts";
import { Claims } from "./resume-points.ts";
import { Stamps } from "./watermark.ts";

const video = topic("video:1");

function createClaims() {
  const upstream = new ModelUpstream();
  const hub = { order: 0, stamps: new Stamps() };
  const claims = new Claims({ upstream, clock: createManualClock(), reads: new LogReads(), hub });
  /** For a client of a channel that joins now. */
  const join = (address = "10.0.0.1") => claims.of(address, { joinedOrder: hub.order + 1 });
  return { upstream, hub, join };
}

test("CLAIMS_CACHED_MAX: one more answer evicts the oldest, which is asked again", async () => {
  const { upstream, join } = createClaims();
  const claims = join();
  const ask = (seq: number) => claims.wrote(video, seq, "life1");
  for (let seq = 1; seq <= CLAIMS_CACHED_MAX; seq++) await ask(seq);
  await ask(1);
  expect(upstream.calls.wrote).toBe(CLAIMS_CACHED_MAX);
  await ask(CLAIMS_CACHED_MAX + 1);
  await ask(2);
  expect(upstream.calls.wrote).toBe(CLAIMS_CACHED_MAX + 1);
  expect(await ask(1)).toBe("no");
  expect(upstream.calls.wrote).toBe(CLAIMS_CACHED_MAX + 2);
});

describe("an answer of the log", () => {
  test("serves every client of channels that joined before it was asked", async () => {
    const { upstream, join } = createClaims();
    const { place } = upstream.append(video, "1");
    const [one, other] = [join(), join("10.0.0.2")];
    await Promise.all([one.wrote(video, 1, place.epoch), other.wrote(video, 1, place.epoch)]);
    expect(await other.wrote(video, 1, place.epoch)).toBe("yes");
    expect(upstream.calls.wrote).toBe(1);
  });

  test("of a life that is lost serves no channel that joined after it, whatever was asked", async () => {
    const { upstream, join } = createClaims();
    for (let seq = 1; seq <= 3; seq++) upstream.append(video, seq);
    const { place } = upstream.append(video, 4);
    const ask = async (claims: ReturnType<typeof join>) => [
      await claims.wrote(video, 4, place.epoch),
      await claims.reached(place),
      (await claims.headAt(video, place.stamp)).seq,
      await claims.firstOf(video),
    ];
    expect(await ask(join())).toEqual(["yes", true, 4, 1]);
    upstream.rewind(video, 2, "life2");
    upstream.first.set(video, 2);
    expect(await ask(join())).toEqual(["no", false, 2, 2]);
  });

  test("that is still under way does not serve a channel that joined after it was asked", async () => {
    const { upstream, join } = createClaims();
    const { place } = upstream.append(video, "1");
    let answer: () => void = () => undefined;
    const { wrote } = upstream;
    upstream.wrote = async (...claim) => {
      const said = await wrote.call(upstream, ...claim);
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return said;
    };
    const before = join().wrote(video, 1, place.epoch);
    await settle();
    upstream.rewind(video, 0, "life2");
    upstream.wrote = wrote;
    const claims = join();
    const after = claims.wrote(video, 1, place.epoch);
    expect(await after).toBe("no");
    answer();
    expect(await before).toBe("yes");
    // The late answer does not take the place of the newer one.
    expect(await claims.wrote(video, 1, place.epoch)).toBe("no");
  });
});
