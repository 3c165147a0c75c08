/** Links as WebSockets: each a signed upgrade at the frontend's internal listener. */

import type { InternalAuth } from "../internal/auth.ts";
import type { InternalTls } from "../internal/client.ts";
import { LINK_PATH } from "./limits.ts";
import type { LinkOptions } from "./link.ts";
import type { FrontendLinks } from "./links.ts";
import { createFrontendLinks } from "./links-network.ts";

export interface WebSocketLinksOptions extends Omit<LinkOptions, "connect"> {
  readonly auth: InternalAuth;
  /** This dispatcher process, as receivers tell links apart: `dispatcher` and a random id. */
  readonly from: string;
  readonly tls?: InternalTls;
}

/** Bun's own, which takes headers and certificates: the DOM's type of the global lacks them. */
const SignedWebSocket = WebSocket as unknown as new (
  address: string,
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
  return createFrontendLinks({
    ...options,
    connect(frontend, { said, closed }) {
      const headers = auth.sign({
        method: "GET",
        path: LINK_PATH,
        from,
        to: frontend.id,
        body: "",
      });
      const address = frontend.url.replace(/^http/, "ws") + LINK_PATH;
      const socket = new SignedWebSocket(address, {
        headers,
        perMessageDeflate: false,
        ...(tls === undefined ? {} : { tls }),
      });
      socket.onmessage = ({ data }) => said(data);
      socket.onclose = ({ code, reason }) => closed(`closed ${code} ${reason}`);
      // A close follows every error: nothing to do here, but without a listener the error would be thrown.
      socket.onerror = () => undefined;
      return socket;
    },
  });
}
