/** A process of fake frontends: responds to calls of `fleet.ts` over IPC, ends with its parent. */

import { Fakes } from "./fakes.ts";

export interface FakesCall {
  readonly id: number;
  readonly name: keyof Fakes;
  readonly parameters: readonly unknown[];
}

export interface FakesAnswer {
  readonly is: "answer";
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

async function answer(fakes: Fakes, { id, name, parameters }: FakesCall): Promise<FakesAnswer> {
  try {
    const method = fakes[name] as (...all: readonly unknown[]) => unknown;
    return { is: "answer", id, value: await method.apply(fakes, [...parameters]) };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { is: "answer", id, error: text };
  }
}

if (import.meta.main) {
  const fakes = new Fakes();
  process.on("message", (call: FakesCall) => {
    void answer(fakes, call).then((said) => process.send?.(said));
  });
  process.on("disconnect", () => process.exit(0));
}
