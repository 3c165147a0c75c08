/**
 * Checks the live lane of one viewer, over all its connections: each event at most once, wherever
 * it reconnects.
 */

import type { World } from "../world.ts";

export class LiveChecker {
  readonly #world: World;
  readonly #who: string;
  readonly #heard = new Set<number>();

  constructor(world: World, who: string) {
    this.#world = world;
    this.#who = who;
  }

  event(type: string, data: unknown): void {
    if (type !== "goal") return;
    const { number } = data as { readonly number: number };
    if (this.#heard.has(number))
      this.#world.verdict.fail(
        "live-again",
        `${this.#who} heard live event ${number} again after a return`,
      );
    this.#heard.add(number);
  }
}
