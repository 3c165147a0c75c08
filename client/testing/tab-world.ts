/**
 * A browser whose tabs share one stream to the model server: a test's controls of tabs, locks and
 * sockets.
 */

import { parseTopic, type Topic } from "@ovation/protocol";
import { createManualClock, type ManualClock } from "../../testing/manual-clock.ts";
import { createSendRequest } from "../requests/request.ts";
import { TokenKeeper } from "../requests/token-keeper.ts";
import type { Stream } from "../stream/stream.ts";
import { SharedStream } from "../tabs/stream-shared.ts";
import type { ConnectionState } from "../types.ts";
import { ModelBrowser, type ModelTab } from "./model-browser.ts";
import { createModelNetwork, type ModelNetwork } from "./model-network.ts";
import { ModelServer } from "./model-server.ts";

export const ONE = parseTopic("video:1") as Topic;
export const TWO = parseTopic("video:2") as Topic;

export interface Tab {
  readonly page: ModelTab;
  readonly stream: Stream;
  readonly network: ModelNetwork;
  readonly lines: string[];
  readonly states: ConnectionState[];
  kill(): void;
  /** Into the back/forward cache; `told`: with the events that announce it. */
  sleep(told: boolean): void;
  wake(told: boolean): void;
}

export interface World {
  readonly clock: ManualClock;
  readonly model: ModelServer;
  open(token?: string): Tab;
}

export function createWorld(hasLocks = true): World {
  const clock = createManualClock();
  const model = new ModelServer();
  const browser = new ModelBrowser();
  browser.hasLocks = hasLocks;
  return {
    clock,
    model,
    open(bearer) {
      const page = browser.open(clock);
      const network = createModelNetwork(model);
      network.carry = (message, arrive) => page.run(() => arrive(message));
      const token = new TokenKeeper(bearer);
      const lines: string[] = [];
      const states: ConnectionState[] = [];
      const environment = {
        url: "http://model",
        clock: page,
        random: () => 0.5,
        retryMs: { first: 500, longest: 20_000 },
        token,
        send: createSendRequest("http://model", token, network.fetch),
        openFetch: network.open,
        openEventSource: undefined,
        openPoll: undefined,
      };
      const sink = {
        onState: (state: ConnectionState) => void states.push(state),
        onEvent: ({ topic, type, seq }: { topic: string; type: string; seq?: number }) =>
          void lines.push(`${topic} ${type} ${seq ?? "-"}`),
        onSubscribed: (topic: Topic, head: number) =>
          void lines.push(`${topic} subscribed ${head}`),
        onReset: (topic: Topic, head: number) => void lines.push(`${topic} reset ${head}`),
        onRefused: (topic: Topic, code: string) => void lines.push(`${topic} refused ${code}`),
      };
      const stream = new SharedStream(environment, sink, page);
      let wasTold = false;
      return {
        page,
        stream,
        network,
        lines,
        states,
        kill() {
          page.kill();
          network.cut();
          network.reaches = () => false;
        },
        sleep(told) {
          wasTold ||= told;
          if (told && !page.dead) stream.sleep();
          page.sleep();
          network.vanish();
        },
        wake(told) {
          page.thaw();
          // A browser that reports the one reports the other.
          if ((told || wasTold) && !page.dead) stream.wake();
          wasTold = false;
        },
      };
    },
  };
}

/** Numbers of the comments that the tab received. */
export function comments(tab: Tab, topic = ONE): number[] {
  return tab.lines.flatMap((line) =>
    line.startsWith(`${topic} comment `) ? [Number(line.split(" ")[2])] : [],
  );
}
