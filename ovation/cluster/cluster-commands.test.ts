import { afterAll, beforeAll, expect, test } from "bun:test";
import { runCommand } from "./cluster-commands.ts";
import type { ClusterProcess } from "./cluster-process.ts";
import { type DatacenterLink, startDatacenterLink } from "./datacenter-link.ts";
import { formatBandwidth, parseBandwidth } from "./link-conditions.ts";

let echo: ReturnType<typeof startEcho>;
let link: DatacenterLink;

function startEcho() {
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => new Response(await request.arrayBuffer()),
  });
}

beforeAll(async () => {
  echo = startEcho();
  const ports = [echo.port ?? 0];
  link = await startDatacenterLink(
    new Map([
      ["east", ports],
      ["west", ports],
    ]),
  );
});

afterAll(async () => {
  await link.stop();
  await echo.stop(true);
});

/** How many ms a call to this data centre takes; `undefined` where no answer comes. */
async function call(datacenter: string, bytes = 10): Promise<number | undefined> {
  const started = performance.now();
  try {
    const options = {
      method: "POST",
      body: "x".repeat(bytes),
      keepalive: false,
      signal: AbortSignal.timeout(800),
    };
    await (await fetch(link.urlsOf(datacenter)[0] ?? "", options)).arrayBuffer();
    return performance.now() - started;
  } catch {
    return undefined;
  }
}

async function tell(line: string): Promise<string> {
  const { ok, said } = await runCommand({ link, processes: new Map() }, line);
  expect(ok).toBe(true);
  return said;
}

test("the link is cut, healed, slowed and throttled by commands that report it", async () => {
  expect(await call("east")).toBeNumber();
  expect(await tell("cut")).toContain("reset");
  expect([await call("east"), await call("west")]).toEqual([undefined, undefined]);
  expect(await tell(" heal ")).toContain("whole");
  expect(await call("west")).toBeNumber();
  expect(await tell("delay 60")).toContain("60 ms");
  expect(await call("east")).toBeGreaterThanOrEqual(119);
  await tell("delay 0");
  expect(await tell("jitter 5")).toContain("5 ms");
  await tell("jitter 0");
  expect(await tell("bandwidth 800kbit")).toContain("800kbit");
  expect(link.conditions).toEqual({ delayMs: 0, jitterMs: 0, bytesPerSecond: 100_000 });
  // 100 ms there and 100 ms back.
  expect(await call("east", 10_000)).toBeGreaterThan(190);
  // Two share what there is in either direction.
  const started = performance.now();
  await Promise.all([call("east", 10_000), call("east", 10_000)]);
  expect(performance.now() - started).toBeGreaterThan(290);
  expect(await tell("bandwidth off")).toContain("whatever comes");
});

test("with half a cut one data centre is unreachable for calls and responses", async () => {
  expect(await tell("half-cut east")).toContain("nothing reaches east");
  const toEast = link.proxiesOf("east").reduce((sum, { bytes }) => sum + bytes.there, 0);
  const toWest = link.proxiesOf("west").reduce((sum, { bytes }) => sum + bytes.there, 0);
  // The call to east is lost, and of the call to west the answer.
  expect([await call("east"), await call("west")]).toEqual([undefined, undefined]);
  expect(link.proxiesOf("east").reduce((sum, { bytes }) => sum + bytes.there, 0)).toBe(toEast);
  expect(link.proxiesOf("west").reduce((sum, { bytes }) => sum + bytes.there, 0)).toBeGreaterThan(
    toWest,
  );
  await tell("heal");
  expect(await call("east")).toBeNumber();
});

test("what is not a command changes nothing and is told so", async () => {
  for (const line of [
    "sever",
    "cut east",
    "half-cut",
    "half-cut north",
    "delay",
    "delay soon",
    "delay -1",
    "bandwidth 10",
    "heal now",
    "kill",
    "kill east/unknown",
  ]) {
    expect(await runCommand({ link, processes: new Map() }, line)).toMatchObject({ ok: false });
  }
  expect(await tell("help")).toContain("half-cut NAME");
});

test("with one data centre there is no link to cut", async () => {
  const alone = await startDatacenterLink(new Map([["east", [1]]]));
  expect(await runCommand({ link: alone, processes: new Map() }, "cut")).toEqual({
    ok: false,
    said: "there is one data centre, so no link",
  });
  await alone.stop();
});

test("a process is killed or stopped, and started again, by its name", async () => {
  let running = true;
  const process = {
    get running() {
      return running;
    },
    pid: 7,
    async kill() {
      running = false;
    },
    async restart() {
      running = true;
    },
    async terminate() {
      running = false;
      return { code: 0, tookMs: 1234 };
    },
  } as unknown as ClusterProcess;
  const cluster = { link, processes: new Map([["east/frontend-0", process]]) };
  expect(await runCommand(cluster, "start east/frontend-0")).toMatchObject({ ok: false });
  expect(await runCommand(cluster, "kill east/frontend-0")).toEqual({
    ok: true,
    said: "east/frontend-0 is killed",
  });
  expect(await runCommand(cluster, "kill east/frontend-0")).toMatchObject({ ok: false });
  expect(await runCommand(cluster, "start east/frontend-0")).toEqual({
    ok: true,
    said: "east/frontend-0 is ready again, as pid 7",
  });
  expect(await runCommand(cluster, "stop east/frontend-0")).toEqual({
    ok: true,
    said: "east/frontend-0 has ended with 0 after 1.2 s",
  });
  expect(await runCommand(cluster, "stop east/frontend-0")).toMatchObject({ ok: false });
  expect(await runCommand(cluster, "stop east/frontend-1")).toMatchObject({ ok: false });
  expect(await runCommand(cluster, "start east/frontend-1")).toMatchObject({ ok: false });
});

test("bandwidth is written in bits, as tc writes it", () => {
  expect(["512kbit", "10mbit", "1.5Mbit", "1gbit", "800bit", "off"].map(parseBandwidth)).toEqual([
    64_000, 1_250_000, 187_500, 125_000_000, 100, 0,
  ]);
  for (const text of ["", "10", "mbit", "10mb", "10 mbit", "-1mbit", "0mbit", "1bit", "ten mbit"])
    expect(parseBandwidth(text)).toBeUndefined();
  for (const text of ["512kbit", "10mbit", "1.5mbit", "1gbit", "off"])
    expect(formatBandwidth(parseBandwidth(text) ?? -1)).toBe(text);
});
