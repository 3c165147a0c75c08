/** What the terminal says when the server is ready: what to open, before anything else. */

export interface BannerOptions {
  readonly version: string;
  /** As people reach it, for example `http://localhost:8080`. */
  readonly url: string;
  /** The video that is alive, where the demo runs. */
  readonly demoVideo?: string;
  /** Further pages: label and path. */
  readonly pages?: readonly { readonly label: string; readonly path: string }[];
  readonly dataDirectory: string;
  readonly colours: boolean;
}

export function formatBanner(options: BannerOptions): string {
  const { url, demoVideo } = options;
  const paint = createPaint(options.colours);
  const video = demoVideo ?? "{any id}";
  const rows = [
    [
      "Watch",
      paint.link(`${url}/watch/${video}`),
      demoVideo === undefined ? "" : paint.faint("open it twice, and comment"),
    ],
    ["All videos", paint.link(`${url}/`), ""],
    ...(options.pages ?? []).map(({ label, path }) => [label, paint.link(url + path), ""]),
    ["Events", paint.plain(`curl -N '${url}/v1/events?topic=video:${demoVideo ?? "42"}'`), ""],
  ];
  const width = Math.max(...rows.map(([label = ""]) => label.length)) + 3;
  const lines = rows.map(
    ([label = "", what = "", hint = ""]) =>
      `  ${paint.faint(label.padEnd(width))}${what}${hint === "" ? "" : `   ${hint}`}`,
  );
  return [
    "",
    `  ${paint.name("Ovation")} ${paint.faint(options.version)}`,
    "",
    ...lines,
    "",
    `  ${paint.faint(`Data in ${options.dataDirectory}. Ctrl+C stops.`)}`,
    "",
    "",
  ].join("\n");
}

interface Paint {
  name(text: string): string;
  link(text: string): string;
  faint(text: string): string;
  plain(text: string): string;
}

function createPaint(colours: boolean): Paint {
  const code = (open: string, close: string) => (text: string) =>
    colours ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  return {
    name: code("1;35", "22;39"),
    link: code("36", "39"),
    faint: code("2", "22"),
    plain: (text) => text,
  };
}

/** Whether to use colours: https://no-color.org, and a terminal that has any. */
export function wantsColours(
  output: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (environment["NO_COLOR"]) return false;
  if (environment["FORCE_COLOR"]) return environment["FORCE_COLOR"] !== "0";
  return output.isTTY === true && environment["TERM"] !== "dumb";
}
