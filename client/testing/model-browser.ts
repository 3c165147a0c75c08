/** A browser with tabs, locks and broadcast channels, as far as a shared connection needs them. */

import type { ManualClock } from "../../testing/manual-clock.ts";
import type { TabGroup, TabMessage } from "../tabs/tab-group.ts";

interface Request {
  readonly tab: ModelTab;
  readonly onHeld: () => void;
}

export class ModelBrowser {
  readonly tabs: ModelTab[] = [];
  /** Whether pages have Web Locks: those on plain http have none. */
  hasLocks = true;
  readonly #locks = new Map<string, Request[]>();

  open(clock: ManualClock): ModelTab {
    const tab = new ModelTab(`tab-${this.tabs.length}`, this, clock);
    this.tabs.push(tab);
    return tab;
  }

  /** The first of the queue holds the lock. */
  lock(name: string, request: Request): () => void {
    const queue = this.#locks.get(name) ?? [];
    this.#locks.set(name, queue);
    queue.push(request);
    if (queue[0] === request) this.#grant(name, request);
    return () => this.release(name, request);
  }

  release(name: string, request: Request): void {
    const queue = this.#locks.get(name) ?? [];
    const index = queue.indexOf(request);
    if (index < 0) return;
    queue.splice(index, 1);
    const next = queue[0];
    if (index === 0 && next !== undefined) this.#grant(name, next);
  }

  releaseAllOf(tab: ModelTab): void {
    for (const [name, queue] of this.#locks)
      for (const request of [...queue]) if (request.tab === tab) this.release(name, request);
  }

  #grant(name: string, request: Request): void {
    request.tab.run(() => {
      if (this.#locks.get(name)?.[0] === request) request.onHeld();
    });
  }
}

export class ModelTab implements TabGroup {
  readonly tab: string;
  dead = false;
  /** How many messages of other tabs are lost here. */
  deaf = 0;
  reportsEnds = false;
  #frozen = false;
  #asleep = false;
  readonly #browser: ModelBrowser;
  readonly #clock: ManualClock;
  readonly #listeners = new Map<string, (message: TabMessage) => void>();
  /** Tasks of a frozen tab, run when it thaws. */
  #later: (() => void)[] = [];

  constructor(name: string, browser: ModelBrowser, clock: ManualClock) {
    this.tab = name;
    this.#browser = browser;
    this.#clock = clock;
  }

  /** A task in this tab: soon, or when it is thawed, or never. */
  run(task: () => void): void {
    queueMicrotask(() => {
      if (this.dead) return;
      if (this.#frozen) this.#later.push(task);
      else task();
    });
  }

  now = () => this.#clock.now();

  after = (ms: number, run: () => void): (() => void) => {
    let cancelled = false;
    const cancel = this.#clock.after(ms, () =>
      this.run(() => {
        if (!cancelled) run();
      }),
    );
    return () => {
      cancelled = true;
      cancel();
    };
  };

  join(name: string, onMessage: (message: TabMessage) => void) {
    this.#listeners.set(name, onMessage);
    return {
      post: (message: TabMessage) => {
        if (this.dead) return;
        const copy = structuredClone(message);
        for (const other of this.#browser.tabs) if (other !== this) other.#hear(name, copy);
      },
      leave: () => this.#listeners.delete(name),
    };
  }

  #hear(name: string, message: TabMessage): void {
    if (this.#asleep) return;
    if (this.deaf > 0) this.deaf--;
    else this.run(() => this.#listeners.get(name)?.(message));
  }

  hold(name: string): () => void {
    return this.#lock(name, () => {
      this.reportsEnds = true;
    });
  }

  watch(name: string, onFree: () => void): () => void {
    let ended = false;
    const release = this.#lock(name, () => {
      release();
      if (!ended) onFree();
    });
    return () => {
      ended = true;
      release();
    };
  }

  #lock(name: string, onHeld: () => void): () => void {
    if (this.dead || !this.#browser.hasLocks) return () => {};
    return this.#browser.lock(name, { tab: this, onHeld });
  }

  async digest(secret: string): Promise<string> {
    return secret;
  }

  /** Killed, as by a crash. */
  kill(): void {
    this.dead = true;
    this.#browser.releaseAllOf(this);
  }

  freeze(): void {
    this.#frozen = true;
  }

  /**
   * As in the back/forward cache: nothing runs, locks are released, messages of others are lost.
   */
  sleep(): void {
    this.#frozen = true;
    this.#asleep = true;
    this.#browser.releaseAllOf(this);
  }

  /**
   * Continues after `freeze` or `sleep`; late timers fire, and locks taken by `sleep` are not
   * returned.
   */
  thaw(): void {
    this.#frozen = false;
    this.#asleep = false;
    for (const task of this.#later.splice(0)) this.run(task);
  }
}
