/** A transport whose code is fetched on demand, or before: browsers rarely need it. */

import type { OpenTransport, Transport } from "./transport.ts";

export function createLateTransport(load: () => Promise<OpenTransport>): OpenTransport {
  return (request, callbacks) => {
    let transport: Transport | undefined;
    let closed = false;
    load().then(
      (open) => {
        if (!closed) transport = open(request, callbacks);
      },
      (error: unknown) => {
        if (!closed) callbacks.onEnd({ kind: "lost", detail: String(error) });
      },
    );
    return {
      seesHeartbeats: true,

      close() {
        closed = true;
        transport?.close();
      },
    };
  };
}
