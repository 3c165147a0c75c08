import { expect, test } from "bun:test";
import { parseTopic, type Topic } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import type { ClientEvent } from "../event-types.ts";
import { createSendRequest } from "../requests/request.ts";
import { TokenKeeper } from "../requests/token-keeper.ts";
import type { StreamSink } from "../stream/stream.ts";
import { createModelNetwork } from "../testing/model-network.ts";
import { ModelServer } from "../testing/model-server.ts";
import { YieldingStream } from "./stream-yielding.ts";

const TOPIC = parseTopic("video:1") as Topic;

class Page extends EventTarget {
  visibilityState: DocumentVisibilityState = "visible";
}

/** An instance of a class, as the client's own sink is: its methods are not its own properties. */
class Sink implements StreamSink {
  readonly #seqs: (number | undefined)[];

  constructor(seqs: (number | undefined)[]) {
    this.#seqs = seqs;
  }

  onState(): void {}

  onEvent({ seq }: ClientEvent): void {
    this.#seqs.push(seq);
  }

  onSubscribed(): void {}
  onReset(): void {}
  onRefused(): void {}
}

function createWorld() {
  const clock = createManualClock();
  const model = new ModelServer();
  const network = createModelNetwork(model);
  const token = new TokenKeeper(undefined);
  const page = new Page();
  const seqs: (number | undefined)[] = [];
  const stream = new YieldingStream(
    {
      url: "http://model",
      clock,
      random: () => 0.5,
      retryMs: { first: 500, longest: 20_000 },
      token,
      send: createSendRequest("http://model", token, network.fetch),
      openFetch: network.open,
      openEventSource: undefined,
      openPoll: undefined,
    },
    new Sink(seqs),
    page,
  );
  stream.add(TOPIC);
  /** As `watchPage` passes it on. */
  function turn(state: DocumentVisibilityState): void {
    page.visibilityState = state;
    page.dispatchEvent(new Event("visibilitychange"));
    if (state === "visible") stream.wake();
  }
  return { clock, model, network, stream, seqs, turn };
}

test("a tab that cannot share closes its connection while hidden, without loss", async () => {
  const { clock, model, network, seqs, turn } = createWorld();
  await clock.advance(100);
  turn("hidden");
  await clock.advance(9_000);
  expect(model.connections.size).toBe(1);
  await clock.advance(2_000);
  expect(model.connections.size).toBe(0);
  for (let count = 0; count < 3; count++) model.publish(TOPIC, "comment", {});
  turn("visible");
  await clock.advance(100);
  expect(seqs).toEqual([1, 2, 3]);
  // A shorter look at another tab costs nothing.
  turn("hidden");
  await clock.advance(5_000);
  turn("visible");
  for (let count = 0; count < 3; count++) {
    await clock.advance(10_000);
    network.beat();
  }
  expect(network.connects).toHaveLength(2);
});

test("a hidden tab that connects after all does not keep the connection", async () => {
  const { clock, model, turn } = createWorld();
  await clock.advance(100);
  turn("hidden");
  // Past the longest wait of a page that is frozen without an event.
  await clock.advance(400_000);
  expect(model.connections.size).toBe(0);
});
