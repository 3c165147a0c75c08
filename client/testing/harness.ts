/** A client over the model server without a socket, with a manual clock. */

import { createManualClock, type ManualClock } from "../../testing/manual-clock.ts";
import { createClient } from "../client.ts";
import type { Client, ClientOptions, ConnectionState } from "../types.ts";
import { createModelNetwork, type ModelNetwork } from "./model-network.ts";
import { ModelServer } from "./model-server.ts";

export interface Harness {
  readonly model: ModelServer;
  readonly network: ModelNetwork;
  readonly clock: ManualClock;
  readonly client: Client;
  readonly states: ConnectionState[];
}

export function createHarness(options: ClientOptions = {}, seesHeartbeats = true): Harness {
  const clock = createManualClock();
  const model = new ModelServer();
  const network = createModelNetwork(model, seesHeartbeats);
  const client = createClient({
    url: "http://model",
    random: () => 0.5,
    now: clock.now,
    after: clock.after,
    transport: network.open,
    fetch: network.fetch,
    ...options,
  });
  const states: ConnectionState[] = [];
  client.onState((state) => states.push(state));
  return { model, network, clock, client, states };
}

export function stateNames(harness: Harness): string[] {
  return harness.states.map(({ name, reason }) => `${name}/${reason}`);
}
