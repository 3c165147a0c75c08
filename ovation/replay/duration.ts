/** Moments of a recording, as people write them. */

/** Seconds of `1:02:03`, `02:03`, `123` or `123.5`; undefined where it is none. */
export function parseDuration(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const match = /^(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)$/.exec(text);
  if (match === null) return undefined;
  const [, hours = "0", minutes = "0", seconds = "0"] = match;
  if (Number(minutes) >= 60 || Number(seconds) >= 60) return undefined;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

/** `1:02:03`, and `-0:00:05` for what was before the beginning. */
export function formatDuration(seconds: number): string {
  if (seconds < 0) return `-${formatDuration(Math.ceil(-seconds))}`;
  const whole = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
