/**
 * The clients that are tried, with what each needs. A new one is a line here and a branch of a
 * driver.
 */

export type Language = "python" | "node" | "go" | "curl" | "browser";

export interface ForeignClient {
  readonly name: string;
  readonly language: Language;
  /** As the language's package manager takes them; what the table shows as the version. */
  readonly packages: readonly string[];
  /** What the driver calls it. */
  readonly driver: string;
  /**
   * What the client does not do, by its own design: what is missing then is no fault of the server.
   */
  readonly known?: string;
}

const python = (driver: string, ...packages: string[]): ForeignClient => ({
  name: packages.map((each) => each.replace("==", " ")).join(" + "),
  language: "python",
  packages,
  driver,
});
const node = (driver: string, ...packages: string[]): ForeignClient => ({
  name: packages.map((each) => each.replace(/(.)@/, "$1 ")).join(" + "),
  language: "node",
  packages,
  driver,
});
const go = (driver: string, ...packages: string[]): ForeignClient => ({
  name:
    packages.length === 0
      ? driver
      : packages
          .join(" ")
          .replaceAll(/github.com\/|@/g, " ")
          .trim(),
  language: "go",
  packages,
  driver,
});

export const CLIENTS: readonly ForeignClient[] = [
  python("httpx-sse", "httpx==0.28.1", "httpx-sse==0.4.3"),
  python("httpx-sse", "httpx==0.28.1", "httpx-sse==0.4.3", "zstandard==0.25.0"),
  python("aiohttp-sse-client2", "aiohttp==3.14.5", "aiohttp-sse-client2==0.3.0"),
  python(
    "aiohttp-sse-client2",
    "aiohttp==3.13.5",
    "aiohttp-sse-client2==0.3.0",
    "backports.zstd==1.8.0",
  ),
  python("sseclient-py", "requests==2.34.2", "sseclient-py==1.9.0"),
  python("requests-sse", "requests==2.34.2", "requests-sse==0.5.3"),
  python("urllib3", "urllib3==2.8.0"),
  python("urllib3", "urllib3==2.5.0", "zstandard==0.25.0"),
  node("eventsource", "eventsource@4.1.0"),
  {
    ...node("undici", "undici@7.30.2"),
    known: "its EventSource ends for good when a connection breaks in the middle",
  },
  node("eventsource-parser", "eventsource-parser@3.1.1"),
  node("@microsoft/fetch-event-source", "@microsoft/fetch-event-source@2.0.1"),
  node("event-source-polyfill", "event-source-polyfill@1.0.31", "xmlhttprequest-ssl@4.0.0"),
  node("axios", "axios@1.21.1", "eventsource-parser@3.1.1"),
  go("tmaxmax/go-sse", "github.com/tmaxmax/go-sse@v0.12.0"),
  go("launchdarkly/eventsource", "github.com/launchdarkly/eventsource@v1.11.0"),
  go("bufio.Scanner"),
  { name: "curl", language: "curl", packages: [], driver: "" },
  { name: "curl --compressed", language: "curl", packages: [], driver: "--compressed" },
  { name: "Chromium, EventSource", language: "browser", packages: [], driver: "chromium" },
];
