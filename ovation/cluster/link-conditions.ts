/** How bandwidth is written: bits per second, with the units of `tc`. */

const BITS: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

export const BANDWIDTH_FORM = "like 512kbit, 10mbit or 1gbit (bits per second, each way), or off";

/** Bytes per second, 0 for no bound; `undefined` where it is not written like that. */
export function parseBandwidth(text: string): number | undefined {
  if (text === "off") return 0;
  const [, number = "", unit = ""] = /^([0-9]+(?:\.[0-9]+)?)([kmg]?bit)$/i.exec(text) ?? [];
  const bits = Number(number) * (BITS[unit.toLowerCase()] ?? 0);
  return bits >= 8 ? bits / 8 : undefined;
}

export function formatBandwidth(bytesPerSecond: number): string {
  const bits = bytesPerSecond * 8;
  if (bits === 0) return "off";
  const [unit, size] = Object.entries(BITS).findLast(([, each]) => bits >= each) ?? ["bit", 1];
  return `${Number((bits / size).toFixed(3))}${unit}`;
}
