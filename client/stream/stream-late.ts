/** A stream whose code is still loading: calls wait for it, in order. */

import type { Stream } from "./stream.ts";

export function createLateStream(loading: Promise<Stream>): Stream {
  let stream: Stream | undefined;
  let waiting: ((stream: Stream) => void)[] = [];
  function call(run: (stream: Stream) => void): void {
    if (stream === undefined) waiting.push(run);
    else run(stream);
  }

  void loading.then((loaded) => {
    stream = loaded;
    for (const run of waiting) run(loaded);
    waiting = [];
  });

  return {
    add: (topic, from) => call((late) => late.add(topic, from)),
    remove: (topic) => call((late) => late.remove(topic)),
    standing: (topic) => stream?.standing(topic),
    tokenChanged: () => call((late) => late.tokenChanged()),
    wake: () => call((late) => late.wake()),
    offline: () => call((late) => late.offline()),
    sleep: () => call((late) => late.sleep()),
    close: () => call((late) => late.close()),
  };
}
