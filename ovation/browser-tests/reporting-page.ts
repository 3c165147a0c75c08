/**
 * A page that tells the test what its EventSources receive, by fetch to the test's own server: the
 * same for a browser that the test drives and for one that it only opens.
 */

import { once } from "node:events";
import { createServer, type Server } from "node:http";

/** What events carry that tests look into: each type has some of these. */
export interface ReportedData {
  readonly seq: number;
  readonly text: string;
  readonly lost: number;
  readonly reason: string;
  readonly afterMs: number;
}

export interface Report {
  /** Which of the page's streams. */
  readonly stream: string;
  /** `open`, `error`, or the type of an event. */
  readonly type: string;
  readonly readyState: number;
  readonly id: string;
  readonly data: ReportedData;
}

const TYPES = ["connection", "comment", "noise", "gap", "reconnect", "open-late"];

/**
 * `?stream=` is the address; an `open-late` event opens a second one, as a later viewer.
 */
const PAGE = `<!doctype html><meta charset="utf-8"><title>reports</title><script>
const address = new URLSearchParams(location.search).get("stream");
let sending = Promise.resolve();
const send = (body) => fetch("/report", { method: "POST", body });
  const report = (what) => {
    sending = sending.then(() => send(JSON.stringify(what))).catch(() => {});
  };
const opened = new Set();
function open(stream) {
  if (opened.has(stream)) return;
  opened.add(stream);
  const source = new EventSource(address);
  const say = (type, event) => {
    const json = event.data ? JSON.parse(event.data) : null;
    const whole = json && "data" in json ? { seq: json.seq, ...json.data } : json;
      const data = type === "noise" ? json.data.length : whole;
    report({ stream, type, readyState: source.readyState, id: event.lastEventId ?? "", data });
  };
  source.onopen = (event) => say("open", event);
  source.onerror = (event) => say("error", event);
  for (const type of ${JSON.stringify(TYPES)}) source.addEventListener(type, (event) => {
    say(type, event);
    if (type === "open-late") open("late");
  });
}
open("first");
</script>`;

export class ReportingPage {
  readonly reports: Report[] = [];
  readonly #server: Server;
  #port = 0;

  /** `page`: another page that reports in the same way. */
  constructor(page = PAGE) {
    this.#server = createServer((request, response) => {
      if (request.method !== "POST") {
        response.setHeader(
          "content-type",
          request.url?.startsWith("/page") ? "text/html" : "text/plain",
        );
        response.end(request.url?.startsWith("/page") ? page : "");
        return;
      }
      let text = "";
      request.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on("end", () => {
        this.reports.push(JSON.parse(text));
        response.end();
      });
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    this.#port = typeof address === "object" && address !== null ? address.port : 0;
  }

  url(stream: string): string {
    return `http://127.0.0.1:${this.#port}/page?stream=${encodeURIComponent(stream)}`;
  }

  of(stream: string, type: string): readonly Report[] {
    return this.reports.filter((report) => report.stream === stream && report.type === type);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
