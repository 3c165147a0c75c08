/** Reads a server's `/metrics`, labels summed. */
export async function readMetrics(urls: readonly string[]): Promise<(name: string) => number> {
  const sums = new Map<string, number>();
  const texts = await Promise.all(urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
  for (const line of texts.join("\n").split("\n")) {
    const [, name, value] = /^([a-z_]+)(?:\{[^}]*\})? ([0-9.e+-]+)/.exec(line) ?? [];
    if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  return (name) => sums.get(name) ?? 0;
}
