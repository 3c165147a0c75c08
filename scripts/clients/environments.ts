/**
 * Where foreign code is installed: a directory of its own for each client, outside the repository.
 */

import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ForeignClient } from "./clients.ts";

const DRIVERS = join(import.meta.dir, "drivers");
const GO_OF_CLIENT: Readonly<Record<string, string>> = {
  "tmaxmax/go-sse": "tmaxmax.go",
  "launchdarkly/eventsource": "launchdarkly.go",
};

/** Installs the client; answers the command that reads a stream with it, but for the address. */
export async function install(client: ForeignClient, root: string): Promise<readonly string[]> {
  const directory = join(root, client.name.replaceAll(/[^A-Za-z0-9.]+/g, "-"));
  await mkdir(directory, { recursive: true });
  switch (client.language) {
    case "python": {
      await run(directory, ["python3", "-m", "venv", "venv"]);
      const pip = join(directory, "venv/bin/pip");
      await run(directory, [
        pip,
        "install",
        "-q",
        "--disable-pip-version-check",
        ...client.packages,
      ]);
      return [join(directory, "venv/bin/python"), join(DRIVERS, "python.py"), client.driver];
    }
    case "node": {
      await writeFile(join(directory, "package.json"), '{"private":true,"type":"module"}');
      const flags = ["--no-audit", "--no-fund", "--loglevel=error"];
      await run(directory, ["npm", "install", ...flags, ...client.packages]);
      // Beside its packages, where its imports are looked for.
      await copyFile(join(DRIVERS, "node.mjs"), join(directory, "node.mjs"));
      return ["node", join(directory, "node.mjs"), client.driver];
    }
    case "go": {
      await writeFile(join(directory, "go.mod"), "module client\n\ngo 1.22\n");
      const own = GO_OF_CLIENT[client.driver];
      for (const file of ["main.go", ...(own === undefined ? [] : [own])])
        await copyFile(join(DRIVERS, "go", file), join(directory, file));
      if (client.packages.length > 0) await run(directory, ["go", "get", ...client.packages]);
      await run(directory, ["go", "build", "-o", "reader", "."]);
      return [join(directory, "reader"), client.driver];
    }
    case "curl":
      return ["sh", join(DRIVERS, "curl.sh"), client.driver];
    case "browser":
      return ["node", join(DRIVERS, "browser.mjs")];
  }
}

async function run(directory: string, command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { cwd: directory, stdout: "pipe", stderr: "pipe" });
  const [code, output, errors] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")}: ${`${output}${errors}`.slice(-500)}`);
}
