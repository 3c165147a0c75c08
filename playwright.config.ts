import { defineConfig } from "@playwright/test";

/** Browser tests run on the machine's own Chromium: nothing is downloaded. */
export default defineConfig({
  testDir: ".",
  testMatch: "**/browser-tests/*.browser.ts",
  // Two files at a time on two cores: 210 s, one after the other 331 s, beside the same load.
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 12_000 },
  reporter: "list",
  use: {
    browserName: "chromium",
    locale: "en-US",
    launchOptions: {
      executablePath: process.env["OVATION_CHROMIUM"] ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--disable-sync",
      ],
    },
  },
});
