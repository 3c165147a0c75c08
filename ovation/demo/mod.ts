/**
 * demo: what `ovation start --demo` adds to a server: videos with a computed clip, a simulated
 * audience over the public API (`startDemo`), and what the terminal shows meanwhile.
 *
 * `startDemo` describes the videos, opens the viewers' connections, fills the history once and then
 * lives by itself until `stop`. Nothing of it is known to the server: it could run anywhere.
 */

export { type BannerOptions, formatBanner, wantsColours } from "./banner.ts";
export { type Demo, type DemoOptions, startDemo } from "./demo-audience.ts";
export { DEMO_VIDEOS, type DemoVideo } from "./demo-script.ts";
export {
  type StatusLine,
  type StatusLineOptions,
  type StatusSample,
  startStatusLine,
} from "./status-line.ts";
