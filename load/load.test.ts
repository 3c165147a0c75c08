import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { runLoad } from "./load.ts";
import { LoadError, type LoadOptions } from "./options.ts";
import type { LoadReport } from "./report.ts";
import {
  type Plant,
  type ReferenceOptions,
  startReferenceServer,
} from "./testing/reference-server.ts";

/** Many processes on few cores: a run takes time. */
setDefaultTimeout(30_000);

const SMALL = { connections: 20, rate: 100, duration: 0.4, warmup: 0, settle: 0.3 };

async function loadReference(
  server: ReferenceOptions,
  options: Partial<LoadOptions> = {},
): Promise<LoadReport> {
  const started = startReferenceServer(server);
  try {
    return await runLoad({ ...SMALL, url: started.url, ...options });
  } finally {
    await started.stop();
  }
}

/** The tenth event is wrong on connection 7. */
function plant(fault: Plant["fault"]): ReferenceOptions {
  return { plants: [{ connection: 7, event: 10, fault }] };
}

describe.concurrent("a run against a server without faults", () => {
  test("every connection receives every event, and the report says so", async () => {
    const report = await loadReference({});
    expect(report.problems).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.publish.published).toBe(40);
    expect(report.checks.deliveries).toBe(20 * 40);
    expect(report.latency.count).toBe(20 * 40);
    expect(report.latency.p50Ms).toBeGreaterThan(0);
    expect(report.measured.readerCpuUsPerDelivery).toBeGreaterThan(0);
  });

  test("several processes, publishers and topics divide the work", async () => {
    const report = await loadReference(
      {},
      { processes: 2, publishers: 3, topics: 5, topicsPerConnection: 2, rate: 300 },
    );
    expect(report.problems).toEqual([]);
    expect(report.publish.published).toBe(120);
    // Each event goes to the connections of one topic: 20 connections × 2 of 5 topics.
    expect(report.checks.deliveries).toBe((120 * 20 * 2) / 5);
  });

  test("zstd streams are checked like plain ones, and are shorter", async () => {
    const plain = await loadReference({}, { size: 1000 });
    const zstd = await loadReference({}, { size: 1000, zstd: true });
    expect(zstd.problems).toEqual([]);
    expect(zstd.checks.deliveries).toBe(20 * 40);
    expect(zstd.measured.bytesPerDelivery).toBeLessThan(plain.measured.bytesPerDelivery * 0.8);
  });

  test("events that arrive in pieces are reassembled", async () => {
    const report = await loadReference(plant("split"));
    expect(report.problems).toEqual([]);
  });

  test("refused connections retry until they are accepted", async () => {
    const report = await loadReference({ refuse: 3 });
    expect(report.problems).toEqual([]);
    expect(report.connect.refusals).toEqual({ "503": 3 });
  });

  test("connections told to return later do so at that time", async () => {
    const report = await loadReference({ shed: 4 });
    expect(report.problems).toEqual([]);
    expect(report.connect.refusals).toEqual({ "200": 4 });
  });

  test("after a cut the durable lane is complete", async () => {
    const report = await loadReference(
      {},
      { durable: true, cutAt: 0.1, cutSpread: 0.3, duration: 0.8, settle: 2 },
    );
    expect(report.problems).toEqual([]);
    expect(report.reconnects.count).toBe(20);
    expect(report.checks.away).toBe(0);
    expect(report.reconnects.recovered.count).toBeGreaterThan(0);
  });

  test("live events published during a cut count as away, not as lost", async () => {
    const report = await loadReference(
      {},
      { cutAt: 0.1, cutSpread: 0.3, duration: 0.8, settle: 2 },
    );
    expect(report.problems).toEqual([]);
    expect(report.reconnects.count).toBe(20);
    expect(report.checks.away).toBeGreaterThan(0);
  });

  test("connections that never read delay no other", async () => {
    const report = await loadReference({}, { slow: 3 });
    expect(report.problems).toEqual([]);
    expect(report.connect.connections).toBe(20);
    expect(report.reconnects.slowClosed).toBe(0);
    expect(report.checks.deliveries).toBe(20 * 40);
  });
});

describe.concurrent("what goes wrong is found", () => {
  test("a lost event", async () => {
    const { ok, checks } = await loadReference(plant("drop"));
    expect({
      ok,
      lost: checks.lost,
      duplicates: checks.duplicates,
      disordered: checks.disordered,
    }).toEqual({
      ok: false,
      lost: 1,
      duplicates: 0,
      disordered: 0,
    });
  });

  test("a lost last event", async () => {
    const { ok, checks } = await loadReference({
      plants: [{ connection: 3, event: 40, fault: "drop" }],
    });
    expect({ ok, lost: checks.lost }).toEqual({ ok: false, lost: 1 });
  });

  test("a lost event that the server announced is no fault", async () => {
    const { ok, checks } = await loadReference(plant("announced-drop"));
    expect({ ok, lost: checks.lost, announced: checks.announced, gaps: checks.gaps }).toEqual({
      ok: true,
      lost: 0,
      announced: 1,
      gaps: 1,
    });
  });

  test("an event that comes twice", async () => {
    const { ok, checks } = await loadReference(plant("repeat"));
    expect({ ok, lost: checks.lost, duplicates: checks.duplicates }).toEqual({
      ok: false,
      lost: 0,
      duplicates: 1,
    });
  });

  test("two events that change places", async () => {
    const { ok, checks } = await loadReference(plant("swap"));
    expect({
      ok,
      lost: checks.lost,
      duplicates: checks.duplicates,
      disordered: checks.disordered,
    }).toEqual({
      ok: false,
      lost: 0,
      duplicates: 0,
      disordered: 1,
    });
  });

  test("an event for a topic that the connection has not subscribed to", async () => {
    // Event 9 is on the first of two topics, connection 7 on the second.
    const { ok, checks } = await loadReference(
      { plants: [{ connection: 7, event: 9, fault: "wrong-topic" }] },
      { topics: 2 },
    );
    expect(checks.misdelivered + checks.duplicates).toBe(1);
    expect(ok).toBe(false);
  });

  test("events that the server does not accept", async () => {
    const report = await loadReference({ refusePublish: true });
    expect(report.ok).toBe(false);
    expect(report.publish.failed).toBe(40);
    expect(report.publish.firstFailure).toContain("403");
  });

  test("a connection that the server closes returns, and is counted", async () => {
    const report = await loadReference(plant("close"), { durable: true, duration: 1, settle: 3 });
    expect(report.reconnects.count).toBe(1);
    expect(report.checks.lost).toBe(0);
  });
});

describe("a run that cannot be made", () => {
  test("another machine is refused", () => {
    expect(runLoad({ url: "http://192.0.2.1" })).rejects.toThrow(LoadError);
  });

  test("a port where nothing listens is reported", async () => {
    const server = startReferenceServer();
    await server.stop();
    await expect(runLoad({ ...SMALL, url: server.url })).rejects.toThrow("nothing listens");
  });

  test("too few descriptors are reported", async () => {
    const server = startReferenceServer();
    const program = `const { runLoad } = await import("${import.meta.dir}/load.ts");
      await runLoad({ url: "${server.url}", connections: 300 })
        .catch((error) => console.log(error.message));`;
    const limited = Bun.spawn(
      ["sh", "-c", 'ulimit -n 150; exec "$0" -e "$1"', process.execPath, program],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    expect(await new Response(limited.stdout).text()).toContain("EMFILE");
    await server.stop();
  });

  test("invalid options are rejected by name", () => {
    expect(runLoad({ connections: 0.5 })).rejects.toThrow("--connections");
    expect(runLoad({ target: "x" })).rejects.toThrow("--target");
    expect(runLoad({ topicsPerConnection: 2 })).rejects.toThrow("--topics-per-connection");
    expect(runLoad({ url: "https://127.0.0.1" })).rejects.toThrow("http:");
  });
});
