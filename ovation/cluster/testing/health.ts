/** The health that a process reports. */

export interface Health {
  /** Of `readyz`; 0 where nothing listens. */
  readonly status: number;
  /** `ready`, `degraded`, `not ready`. */
  readonly answer: string;
  /** The whole body. */
  readonly text: string;
  /** Whether `healthz` answers 200. */
  readonly alive: boolean;
  /** `ovation_dependency_up`, by dependency. */
  readonly up: Readonly<Record<string, number>>;
}

const UNREACHABLE: Health = { status: 0, answer: "", text: "", alive: false, up: {} };

export async function healthOf(url: string): Promise<Health> {
  try {
    const [ready, alive, metrics] = await Promise.all(
      ["/readyz", "/healthz", "/metrics"].map((path) => fetch(url + path)),
    );
    const text = (await ready?.text()) ?? "";
    const up = [
      ...((await metrics?.text()) ?? "").matchAll(
        /^ovation_dependency_up\{dependency="(\w+)"\} (\d+)$/gm,
      ),
    ];
    return {
      status: ready?.status ?? 0,
      answer: (JSON.parse(text) as { readonly status: string }).status,
      text,
      alive: alive?.status === 200,
      up: Object.fromEntries(up.map(([, name, value]) => [name, Number(value)])),
    };
  } catch {
    // Nothing listens.
    return UNREACHABLE;
  }
}
