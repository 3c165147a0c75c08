/**
 * The pages that tell a site how to sign a token: what they show is run, and taken by the verifier.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVerifier } from "./verifier.ts";

const ROOT = join(import.meta.dir, "../..");
const SECRET = "0123456789abcdef0123456789abcdef0123456789abcdef";
/**
 * Go is left out: compiling it takes longer than all other tests together. It was tried by hand.
 */
const LANGUAGES = [
  { name: "js", file: "token.mjs", command: ["node"] },
  { name: "python", file: "token.py", command: ["python3"] },
  { name: "php", file: "token.php", command: ["php"] },
  { name: "ruby", file: "token.rb", command: ["ruby"] },
] as const;

const directory = mkdtempSync(join(tmpdir(), "ovation-docs-"));
afterAll(() => rmSync(directory, { recursive: true }));

describe("docs/beside-your-login.md", () => {
  const text = readFileSync(join(ROOT, "docs/beside-your-login.md"), "utf8");
  for (const { name, file, command } of LANGUAGES) {
    if (Bun.which(command[0]) === null) continue;
    test(`the ten lines of ${name} sign a token that is taken`, async () => {
      const block = new RegExp(`^\`\`\`${name}\n([\\s\\S]*?)^\`\`\``, "m").exec(text)?.[1] ?? "";
      writeFileSync(join(directory, file), block);
      const child = Bun.spawn([...command, join(directory, file)], {
        env: { ...process.env, OVATION_SECRET: SECRET },
        stderr: "inherit",
      });
      const token = (await new Response(child.stdout).text()).trim();
      const { verify } = await createVerifier({ secrets: [SECRET] });
      expect(await verify(token)).toMatchObject({ sub: "alice", name: "Alice", role: "member" });
    }, 20_000);
  }
});

describe("examples/your-site", () => {
  let site: Bun.Subprocess<"ignore", "pipe", "inherit">;
  let url = "";

  beforeAll(async () => {
    site = Bun.spawn(["node", join(ROOT, "examples/your-site/server.mjs")], {
      env: {
        ...process.env,
        OVATION_SECRET: SECRET,
        PORT: "0",
        OVATION_URL: "http://ovation.invalid",
      },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    for await (const chunk of site.stdout) {
      url = /http:\S+/.exec(Buffer.from(chunk).toString())?.[0] ?? "";
      break;
    }
  }, 20_000);
  afterAll(async () => {
    site.kill();
    await site.exited;
  });

  test("a user who is signed in there gets a valid token, and no other client does", async () => {
    expect(await (await fetch(url)).text()).toContain('<live-comments video="42"');
    expect(await (await fetch(`${url}/ovation-token`)).json()).toEqual({});
    const signedIn = await fetch(`${url}/login?name=Zo%C3%AB`, { redirect: "manual" });
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    const { token } = (await (
      await fetch(`${url}/ovation-token`, { headers: { cookie } })
    ).json()) as { token: string };
    const { verify } = await createVerifier({ secrets: [SECRET] });
    expect(await verify(token)).toMatchObject({ sub: "user-1", name: "Zoë", role: "member" });
  });
});
