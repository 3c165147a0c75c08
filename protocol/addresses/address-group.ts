/** What limits count a client as: its IPv4 address, or the /64 of its IPv6 address. */

/** The 96 bits before an IPv4 address that is written as IPv6: [spec] RFC 4291, 2.5.5.2. */
const MAPPED = [0, 0, 0, 0, 0, 0xffff];

/**
 * `203.0.113.7` → itself, `2001:db8::1` → `2001:db8:0:0::/64`, `::ffff:203.0.113.7` →
 * `203.0.113.7`. A group is its own group. Text that is no address is returned as it came.
 */
export function addressGroupOf(address: string): string {
  if (!address.includes(":") || address.endsWith("/64")) return address;
  const groups = parseGroups(address);
  if (groups === undefined) return address;
  if (MAPPED.every((group, index) => groups[index] === group)) {
    const [high = 0, low = 0] = groups.slice(6);
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(":")}::/64`;
}

/** The eight numbers of an IPv6 address; a zone (`%eth0`) is left out. */
function parseGroups(text: string): readonly number[] | undefined {
  const [address = ""] = text.split("%");
  const halves = address.split("::");
  if (halves.length > 2) return undefined;
  const [left, right] = halves.map((half) =>
    half === "" ? [] : half.split(":").flatMap(toNumbers),
  );
  if (left === undefined) return undefined;
  const missing = 8 - left.length - (right?.length ?? 0);
  if (right === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups =
    right === undefined ? left : [...left, ...Array<number>(missing).fill(0), ...right];
  return groups.every((group) => group >= 0 && group <= 0xffff) ? groups : undefined;
}

function toNumbers(part: string): readonly number[] {
  const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(part);
  if (dotted === null) return [/^[0-9a-f]{1,4}$/i.test(part) ? Number.parseInt(part, 16) : -1];
  const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(1).map(Number);
  return [a, b, c, d].some((byte) => byte > 255) ? [-1] : [(a << 8) | b, (c << 8) | d];
}
