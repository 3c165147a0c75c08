/** A viewer that records the events it received: for balances. */
import type { SeenEvent, Witness } from "./balance.ts";
import { openStream } from "./stream.ts";

export interface OpenWitness extends Witness {
  close(): void;
}

interface Envelope {
  readonly seq?: number;
  readonly data: { readonly id?: string; readonly lost?: number };
}

export async function openWitness(url: string, topics: readonly string[]): Promise<OpenWitness> {
  const seen: SeenEvent[] = [];
  let announced = 0;
  const stream = await openStream(url, topics, ({ type, data }) => {
    if (type !== "goal" && type !== "gap") return;
    const { seq, data: own } = JSON.parse(data) as Envelope;
    if (type === "gap") announced += own.lost ?? 0;
    else seen.push({ id: own.id ?? "", seq });
  });
  return {
    seen,
    get announced() {
      return announced;
    },
    close: () => stream.close(),
  };
}

/** Resolves when no event has come for this long. */
export async function whenQuiet(witnesses: readonly Witness[], quietMs: number): Promise<void> {
  const count = () => witnesses.reduce((sum, { seen }) => sum + seen.length, 0);
  for (let before = -1; before !== count(); ) {
    before = count();
    await Bun.sleep(quietMs);
  }
}
