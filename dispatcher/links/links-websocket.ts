/** Links as WebSockets: each is a signed upgrade at the frontend's internal listener. */

import type { InternalAuth } from "../internal/auth.ts";
import type { InternalTls } from "../internal/client.ts";
import { LINK_PATH } from "./limits.ts";
import type { FrontendLinks } from "./links.ts";
import { NetworkLinks, type NetworkLinksOptions } from "./links-network.ts";

export interface WebSocketLinksOptions extends Omit<NetworkLinksOptions, "connect"> {
  readonly auth: InternalAuth;
  /** `dispatcher` and the random id of this process: receivers tell links apart by it. */
  readonly from: string;
  readonly tls?: InternalTls;
}

/** Bun's own constructor takes headers and certificates; the DOM's type of the global has none. */
const SignedWebSocket = WebSocket as unknown as new (
  url: string,
  options: {
    readonly headers: Record<string, string>;
    readonly perMessageDeflate: boolean;
    readonly tls?: InternalTls;
  },
) => WebSocket;

export function createWebSocketLinks({
  auth,
  from,
  tls,
  ...options
}: WebSocketLinksOptions): FrontendLinks {
  return new NetworkLinks({
    ...options,
    connect(frontend, events) {
      const headers = auth.sign({
        method: "GET",
        path: LINK_PATH,
        from,
        to: frontend.id,
        body: "",
      });
      const url = frontend.url.replace(/^http/, "ws") + LINK_PATH;
      const socket = new SignedWebSocket(url, {
        headers,
        perMessageDeflate: false,
        ...(tls === undefined ? {} : { tls }),
      });
      socket.onmessage = ({ data }) => events.message(data);
      socket.onclose = ({ code, reason }) => events.closed(`closed ${code} ${reason}`);
      // A close follows every error. Without a listener the error would be thrown.
      socket.onerror = () => undefined;
      return socket;
    },
  });
}
