import { defineConfig } from "@playwright/test";

/** Browser tests run on the machine's own Chromium: nothing is downloaded. */
export default defineConfig({
  testDir: ".",
  testMatch: "**/browser-tests/*.browser.ts",
  // Two cores, and each spec starts a server. Two files at a time took 210 s in place of 284, and
  // measured positions in the middle of their transitions.
  workers: 1,
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
