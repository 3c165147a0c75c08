/** Opens a viewer of either form. */

import type { Viewer } from "../history/history.ts";
import type { FaultViewer, ViewerOptions } from "./viewer.ts";
import { PlainViewer } from "./viewer-plain.ts";
import { SdkViewer } from "./viewer-sdk.ts";

export function openViewer(form: Viewer["form"], options: ViewerOptions): FaultViewer {
  return form === "sdk" ? new SdkViewer(options) : new PlainViewer(options);
}
