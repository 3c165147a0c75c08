/** `npm run cluster` as a process of its own. */

import { expect, test } from "bun:test";
import { join } from "node:path";
import { until } from "../../testing/until.ts";
import { signToken } from "../tokens/mod.ts";

/** Machines that are busy with other tests are slower. */
const PATIENCE = 3;

function spawn(...flags: readonly string[]) {
  return Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), ...flags], {
    stdio: ["pipe", "pipe", "pipe"],
  });
}

test("what cannot be is said at once, in a sentence", async () => {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const wrong = [
    [["--port", String(server.port)], `port ${server.port} is taken`],
    [["--delay", "soon"], "number of ms"],
    [["--bandwidth", "10"], "10mbit"],
    [["--datacenters", "3"], "at most 2"],
  ] as const;
  await Promise.all(
    wrong.map(async ([flags, said]) => {
      const child = spawn(...flags);
      expect(await new Response(child.stderr).text()).toContain(said);
      expect(await child.exited).toBe(1);
    }),
  );
  server.stop(true);
}, 20_000);

test("a running cluster takes commands for its link, and ends with its input", async () => {
  const child = spawn(
    "--control",
    "--dispatchers",
    "1",
    "--frontends",
    "1",
    "--redis",
    "single",
    "--delay",
    "5",
    "--bandwidth",
    "10mbit",
  );
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const nextLine = async (): Promise<unknown> => {
    while (!text.includes("\n")) text += (await output.read()).value ?? "";
    const line = text.slice(0, text.indexOf("\n"));
    text = text.slice(line.length + 1);
    return JSON.parse(line);
  };
  const tell = async (line: string) => {
    child.stdin.write(`${line}\n`);
    await child.stdin.flush();
    return (await nextLine()) as { readonly ok: boolean; readonly said: string };
  };
  const { secret, processes } = (await nextLine()) as {
    readonly secret: string;
    readonly processes: readonly { readonly name: string; readonly url: string }[];
  };
  const { url } = processes.find(({ name }) => name === "east/dispatcher-0") ?? { url: "" };
  const token = await signToken(secret, { sub: "server", name: "Server", publish: ["*"] }, 60);
  const isUp = async (): Promise<boolean> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const body = JSON.stringify({ topic: "video:far", type: "goal", data: {} });
    expect((await fetch(`${url}/v1/publish`, { method: "POST", headers, body })).status).toBe(202);
    return (await (await fetch(`${url}/metrics`)).text()).includes(
      'ovation_forward_up{peer="west"} 1',
    );
  };
  expect(await isUp()).toBe(true);
  expect(await tell("sever")).toEqual({ ok: false, said: 'no command "sever"; help lists them' });
  expect((await tell("cut")).ok).toBe(true);
  await until(async () => !(await isUp()), "the other data centre is away", 5000 * PATIENCE);
  expect((await tell("heal")).ok).toBe(true);
  await until(isUp, "the other data centre is back", 5000 * PATIENCE);
  await child.stdin.end();
  expect(await child.exited).toBe(0);
}, 60_000);
