/**
 * Runs at once when idle, then at most every `ms`. A throttle, never a debounce: in a busy room a
 * debounced update would wait for a silence that does not come.
 */
export function createThrottle(run: () => void, ms: number): { request(): void; stop(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = false;

  function rest(): void {
    timer = setTimeout(() => {
      timer = undefined;
      if (!wanted) return;
      wanted = false;
      rest();
      run();
    }, ms);
  }

  return {
    request() {
      if (timer !== undefined) {
        wanted = true;
        return;
      }
      rest();
      run();
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
      wanted = false;
    },
  };
}
