import { expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import { TokenKeeper } from "../requests/token-keeper.ts";
import type { OpenTransport, TransportCallbacks } from "../transport/transport.ts";
import type { StreamEnvironment } from "./stream.ts";
import { StreamConnection } from "./stream-connection.ts";

const MESSAGE = { type: "message", data: "{}", lastEventId: "" };

function begin(polls: boolean, options: Partial<StreamEnvironment> = {}) {
  const opened: { form: string; callbacks: TransportCallbacks }[] = [];
  const calls: string[] = [];
  const open =
    (form: string): OpenTransport =>
    (_, callbacks) => {
      opened.push({ form, callbacks });
      return { seesHeartbeats: form === "fetch", close: () => void calls.push(`close ${form}`) };
    };
  const environment: StreamEnvironment = {
    url: "http://model",
    clock: createManualClock(),
    random: () => 0.5,
    retryMs: { first: 1, longest: 2 },
    token: new TokenKeeper(undefined),
    send: async () => ({}),
    openFetch: open("fetch"),
    openEventSource: open("event-source"),
    openPoll: open("poll"),
    ...options,
  };
  const connection = new StreamConnection();
  connection.open({ url: "http://model", token: undefined }, environment, polls, {
    onAlive: () => void calls.push("alive"),
    onMessage: () => void calls.push("message"),
    onEnd: ({ kind }) => void calls.push(`end ${kind}`),
  });
  const forms = () => opened.map(({ form }) => form);
  return { connection, opened, calls, forms };
}

test("EventSource is used where there is one, a poll where streams do not work", () => {
  expect(begin(false).forms()).toEqual(["event-source"]);
  expect(begin(true).forms()).toEqual(["poll"]);
  expect(begin(true, { openPoll: undefined }).forms()).toEqual(["event-source"]);
  expect(begin(false, { openEventSource: undefined }).forms()).toEqual(["fetch"]);
});

test("an EventSource that throws is replaced by fetch", () => {
  const { connection, forms } = begin(false, {
    openEventSource() {
      throw new DOMException("refused", "SecurityError");
    },
  });
  expect(forms()).toEqual(["fetch"]);
  expect(connection.seesHeartbeats).toBe(true);
});

test("where EventSource gives up without a reason, fetch asks again on the same connection", () => {
  const { opened, forms, calls } = begin(false);
  opened[0]?.callbacks.onEnd({ kind: "unexplained" });
  expect(forms()).toEqual(["event-source", "fetch"]);
  opened[1]?.callbacks.onMessage(MESSAGE);
  opened[1]?.callbacks.onEnd({ kind: "ended" });
  expect(calls).toEqual(["message", "end ended"]);
});

test("what arrived is recorded, and nothing is reported after the close", () => {
  const { connection, opened, calls } = begin(false);
  const callbacks = opened[0]?.callbacks;
  expect([connection.answered, connection.heard]).toEqual([false, false]);
  callbacks?.onAlive();
  callbacks?.onRetry(250);
  expect([connection.answered, connection.heard, connection.retryMs]).toEqual([true, false, 250]);
  callbacks?.onMessage(MESSAGE);
  expect(connection.heard).toBe(true);
  connection.close();
  callbacks?.onMessage(MESSAGE);
  callbacks?.onEnd({ kind: "ended" });
  expect(calls).toEqual(["alive", "message", "close event-source"]);
});
