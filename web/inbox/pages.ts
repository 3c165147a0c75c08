/** The panel's content and styles, loaded when it first opens. */

import { unsafeCSS } from "@lit/reactive-element";
import listCss from "./pages.css" with { type: "text" };
import talkCss from "./talk.css" with { type: "text" };

export { renderPanel } from "./panel.ts";
export { renderThread } from "./thread-view.ts";
export const styles = [listCss, talkCss].map((css) => unsafeCSS(css));
