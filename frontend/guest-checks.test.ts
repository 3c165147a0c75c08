import { expect, test } from "bun:test";
import { GUEST_UPGRADED, type Identity, type Route } from "@ovation/protocol";
import { until } from "../testing/until.ts";
import { createEventsRoute } from "./events-route.ts";
import { GuestChecks } from "./guest-checks.ts";
import { GUEST_CHECKS_WAITING_MAX } from "./limits.ts";
import type { Polls } from "./polls.ts";
import { ModelUpstream, topic } from "./testing/model-upstream.ts";
import { runningFrontends } from "./testing/running-frontends.ts";
import { Viewer } from "./testing/viewer.ts";

const startFrontend = runningFrontends();
const own = topic("member:guest-1");
const guest: Identity = {
  sub: "guest-1",
  name: "Ana",
  role: "guest",
  videoRoles: {},
  subscribe: [],
  publish: [],
};
const identity = (over: Partial<Identity>): Identity => ({ ...guest, ...over });

/** A log and a table that know who has become a member. */
class MemberUpstream extends ModelUpstream {
  readonly members = new Set<string>();
  readonly asked: (readonly string[])[] = [];

  async upgraded(guests: readonly string[]) {
    this.asked.push(guests);
    if (this.away) throw new Error("the dispatchers are away");
    return guests.filter((each) => this.members.has(each));
  }
}

test("guests that connect together are checked by one call; members are not", async () => {
  const upstream = new MemberUpstream();
  upstream.members.add("guest-2");
  const checks = new GuestChecks({ upstream, soon: setImmediate });
  const answers = ["guest-1", "guest-2", "guest-1"].map((sub) =>
    checks.isUpgraded(identity({ sub })),
  );
  expect(await Promise.all(answers)).toEqual([false, true, false]);
  expect(await checks.isUpgraded(identity({ sub: "guest-2", role: "member" }))).toBe(false);
  expect(await checks.isUpgraded(undefined)).toBe(false);
  expect(upstream.asked).toEqual([["guest-1", "guest-2"]]);
});

test("GUEST_CHECKS_WAITING_MAX: one more is refused; after an answer it is taken", async () => {
  const checks = new GuestChecks({ upstream: new MemberUpstream(), soon: setImmediate });
  const first = Array.from({ length: GUEST_CHECKS_WAITING_MAX }, () => checks.isUpgraded(guest));
  await expect(checks.isUpgraded(guest)).rejects.toMatchObject({ code: "unavailable" });
  await Promise.all(first);
  expect(await checks.isUpgraded(guest)).toBe(false);
});

for (const way of ["fast path", "repair lane"] as const)
  test(`an upgrade by the ${way} ends only what the guest's token opened`, async () => {
    const upstream = new MemberUpstream();
    const frontend = startFrontend(upstream);
    const server = identity({ sub: "backend", role: "member", subscribe: ["member:*"] });
    const ended = [new Viewer(frontend, [own], { identity: guest }), new Viewer(frontend, [own])];
    const stays = new Viewer(frontend, [own], { identity: server });
    await until(() => [...ended, stays].every(({ connection }) => connection.ready));
    upstream.append(own, {}, { type: GUEST_UPGRADED, deliver: way === "fast path" });
    await until(() => ended.every((viewer) => viewer.ended));
    for (const viewer of ended)
      expect(viewer.of("reconnect")[0]?.fields.reason).toBe("token-expired");
    await until(() => stays.of(GUEST_UPGRADED).length === 1);
    expect(stays.ended).toBe(false);
  });

test("an upgrade between the check of the token and the subscription ends the stream", async () => {
  const upstream = new MemberUpstream();
  const frontend = startFrontend(upstream);
  expect(await frontend.guests.isUpgraded(guest)).toBe(false);
  upstream.members.add("guest-1");
  upstream.append(own, {}, { type: GUEST_UPGRADED });
  const viewer = new Viewer(frontend, [own], { identity: guest });
  await until(() => viewer.ended);
  expect(viewer.of("connection")).toEqual([]);
});

test("while no dispatcher answers, a guest is told to return by a 200", async () => {
  const upstream = new MemberUpstream();
  upstream.away = true;
  const frontend = startFrontend(upstream);
  const route: Route = createEventsRoute({
    frontend,
    authenticate: async () => guest,
    authorize: () => true,
    policy: {},
    random: Math.random,
    zstd: false,
    polls: {} as Polls,
  });
  const context = { address: "127.0.0.1", params: {} } as never;
  const request = new Request("http://host/v1/events?topic=member:guest-1");
  const answer = (await route.handle(request, context)) as Response;
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('"reason":"error"');
});
