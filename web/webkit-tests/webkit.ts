import { freePort } from "../../testing/free-port.ts";

/**
 * WebKit, the engine of Safari, as Debian packages it: WebKitGTK's MiniBrowser on a virtual
 * display, driven by WebDriver (W3C). Ten of its commands are enough, so there is no client
 * library.
 */

const MINI_BROWSER = [
  "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
  "/usr/lib/aarch64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
];
const READY_MS_MAX = 15_000;
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

export interface WebKit {
  open(url: string): Promise<void>;
  back(): Promise<void>;
  /** Runs the body of a function in the page; what it returns travels as JSON. */
  run<Result>(body: string, ...values: unknown[]): Promise<Result>;
  /** Types into what has the focus. */
  type(text: string): Promise<void>;
  /** A new tab, which is the current one from now on. */
  newTab(): Promise<string>;
  readonly tabs: () => Promise<readonly string[]>;
  use(tab: string): Promise<void>;
  /** Closes the current tab. */
  closeTab(): Promise<void>;
  stop(): Promise<void>;
}

export async function startWebKit(): Promise<WebKit> {
  const binary = MINI_BROWSER.find((path) => Bun.file(path).size > 0);
  if (binary === undefined) throw new Error("MiniBrowser of libwebkit2gtk-4.1 is not installed");
  const screen = Bun.spawn(
    ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
    { stdout: "pipe", stderr: "ignore" },
  );
  const display = await firstLine(screen.stdout);
  const port = await freePort();
  const driver = Bun.spawn(["WebKitWebDriver", "--host=127.0.0.1", `--port=${port}`], {
    stdout: "ignore",
    stderr: "ignore",
    env: {
      ...process.env,
      DISPLAY: `:${display}`,
      GDK_BACKEND: "x11",
      LIBGL_ALWAYS_SOFTWARE: "1",
      // Containers refuse the name spaces that its sandbox is made of.
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
    },
  });

  async function command(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { value } = (await response.json()) as { value: unknown };
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(value)}`);
    return value;
  }

  async function ready(): Promise<void> {
    const until = performance.now() + READY_MS_MAX;
    while (performance.now() < until) {
      const status = await command("GET", "/status").catch(() => undefined);
      if (status !== undefined) return;
      await Bun.sleep(50);
    }
    throw new Error("WebKitWebDriver does not get ready");
  }

  await ready();
  const capabilities = {
    browserName: "MiniBrowser",
    "webkitgtk:browserOptions": { binary, args: ["--automation"] },
  };
  const { sessionId } = (await command("POST", "/session", {
    capabilities: { alwaysMatch: capabilities },
  })) as { sessionId: string };
  const session = `/session/${sessionId}`;

  return {
    open: async (url) => void (await command("POST", `${session}/url`, { url })),
    back: async () => void (await command("POST", `${session}/back`, {})),
    run: <Result>(script: string, ...args: unknown[]) =>
      command("POST", `${session}/execute/sync`, { script, args }) as Promise<Result>,
    async type(text) {
      const active = (await command("GET", `${session}/element/active`)) as Record<string, string>;
      await command("POST", `${session}/element/${active[ELEMENT]}/value`, { text });
    },
    async newTab() {
      const { handle } = (await command("POST", `${session}/window/new`, { type: "tab" })) as {
        handle: string;
      };
      await command("POST", `${session}/window`, { handle });
      return handle;
    },
    tabs: () => command("GET", `${session}/window/handles`) as Promise<readonly string[]>,
    use: async (handle) => void (await command("POST", `${session}/window`, { handle })),
    closeTab: async () => void (await command("DELETE", `${session}/window`)),
    async stop() {
      await command("DELETE", session).catch(() => {});
      for (const child of [driver, screen]) {
        child.kill();
        await child.exited;
      }
    },
  };
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) return text.trim();
  }
  throw new Error("Xvfb did not start");
}
