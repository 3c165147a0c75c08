/** A proxy that holds event streams back: virus scanners do, and proxies that were not told. */

import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface BufferingProxy {
  readonly url: string;
  /** Paths of requests, as they came. */
  readonly asked: string[];
  /** Lets streams pass from now on. */
  passes: boolean;
  stop(): void;
}

/**
 * Holds the head of an answer too with `holdsHead`; `breaks`: ends a stream at its first byte
 * instead.
 */
export async function startBufferingProxy(
  targetPort: number,
  { holdsHead, breaks = false }: { readonly holdsHead: boolean; readonly breaks?: boolean },
): Promise<BufferingProxy> {
  const server: Server = createServer((incoming, outgoing) => {
    proxy.asked.push(incoming.url ?? "");
    const { method, headers, url: path } = incoming;
    const upstream = request(
      { host: "127.0.0.1", port: targetPort, method, path, headers },
      (answer) => {
        const isStream = answer.headers["content-type"]?.startsWith("text/event-stream") === true;
        const status = answer.statusCode ?? 502;
        const head = { ...answer.headers };
        delete head["transfer-encoding"];
        if (!isStream || proxy.passes) {
          outgoing.writeHead(status, head);
          answer.pipe(outgoing);
          return;
        }
        if (breaks) {
          answer.once("data", () => outgoing.destroy());
          return;
        }
        if (!holdsHead) {
          outgoing.writeHead(status, head);
          outgoing.flushHeaders();
        }
        const held: Buffer[] = [];
        answer.on("data", (bytes: Buffer) => held.push(bytes));
        answer.on("end", () => {
          if (holdsHead) outgoing.writeHead(status, head);
          outgoing.end(Buffer.concat(held));
        });
        answer.on("error", () => outgoing.destroy());
      },
    );
    upstream.on("error", () => outgoing.destroy());
    outgoing.on("close", () => upstream.destroy());
    incoming.pipe(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: BufferingProxy = {
    url: `http://127.0.0.1:${port}`,
    asked: [],
    passes: false,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}
