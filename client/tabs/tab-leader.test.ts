import { expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import { TokenKeeper } from "../requests/token-keeper.ts";
import { createModelNetwork } from "../testing/model-network.ts";
import { ModelServer } from "../testing/model-server.ts";
import { ONE } from "../testing/tab-world.ts";
import type { LeaderMessage, TabGroup } from "./tab-group.ts";
import { TABS_MAX, TabLeader } from "./tab-leader.ts";

test("TABS_MAX: one tab more is not kept until another has left", async () => {
  const clock = createManualClock();
  let watched = 0;
  const group: TabGroup = {
    tab: "tab-0",
    reportsEnds: true,
    join: () => ({ post: () => undefined, leave: () => undefined }),
    hold: () => () => undefined,
    watch() {
      watched++;
      return () => void watched--;
    },
    digest: async (secret) => secret,
  };
  const said: LeaderMessage[] = [];
  const network = createModelNetwork(new ModelServer());
  const leader = new TabLeader(
    {
      url: "http://model",
      clock,
      random: () => 0.5,
      retryMs: { first: 500, longest: 20_000 },
      token: new TokenKeeper(undefined),
      send: async () => ({}),
      openFetch: network.open,
      openEventSource: undefined,
      openPoll: undefined,
    },
    group,
    "group",
    (message) => said.push(message),
  );
  const hear = (tab: number) =>
    leader.receive({ kind: "wants", tab: `tab-${tab}`, topics: [[ONE, undefined]] });
  const answerTo = (tab: number) => {
    leader.asked(`tab-${tab}`);
    return said.at(-1)?.kind;
  };
  for (let tab = 0; tab <= TABS_MAX; tab++) hear(tab);
  expect(watched).toBe(TABS_MAX);
  expect(answerTo(TABS_MAX - 1)).toBe("state");
  // An unknown tab is asked to repeat its wanted topics.
  expect(answerTo(TABS_MAX)).toBe("lead");
  leader.drop("tab-1");
  hear(TABS_MAX);
  expect(answerTo(TABS_MAX)).toBe("state");
  expect(watched).toBe(TABS_MAX);
  leader.close();
  expect(watched).toBe(0);
});
