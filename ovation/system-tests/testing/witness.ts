/**
 * A good viewer beside what the test does to the server: it gets an event every tenth of a second,
 * and says how long each took.
 */

import type { Server } from "../../../testing/server.ts";
import { Viewer } from "../../../testing/viewer.ts";

const EVERY_MS = 100;

export class Witness {
  readonly viewer: Viewer;
  readonly #server: Server;
  readonly #topic: string;
  readonly #sent = new Map<number, number>();
  readonly #publishMs: number[] = [];
  #running = true;
  #loop: Promise<void>;
  #number = 0;
  failures = 0;

  constructor(server: Server, topic: string, from = "127.0.0.200") {
    this.#server = server;
    this.#topic = topic;
    this.viewer = new Viewer({ port: server.port, path: `/v1/events?topic=${topic}`, from });
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.viewer.isConnected && this.#running) await Bun.sleep(10);
    while (this.#running) {
      const number = this.#number++;
      const at = performance.now();
      this.#sent.set(number, at);
      try {
        await this.#server.publish([{ topic: this.#topic, type: "tick", data: { number } }]);
      } catch {
        this.failures++;
        this.#sent.delete(number);
      }
      this.#publishMs.push(performance.now() - at);
      await Bun.sleep(EVERY_MS);
    }
  }

  /** ms from publish to receipt, of those published since `from` (`performance.now()`). */
  delays(from = 0): readonly number[] {
    return this.viewer.of("tick").flatMap(({ data, receivedAt }) => {
      const sentAt = this.#sent.get(data.number);
      return sentAt === undefined || sentAt < from ? [] : [receivedAt - sentAt];
    });
  }

  /** Stops, and answers how many events it should have got and did not. */
  async missing(): Promise<number> {
    this.#running = false;
    await this.#loop;
    const deadline = Date.now() + 5000;
    const missing = () => {
      const got = new Set(this.viewer.of("tick").map(({ data }) => data.number));
      return [...this.#sent.keys()].filter((number) => !got.has(number)).length;
    };
    while (missing() > 0 && Date.now() < deadline) await Bun.sleep(25);
    this.viewer.close();
    return missing();
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
