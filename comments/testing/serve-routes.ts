/** Routes on a listener of their own, for tests and benchmarks of one module. */

import { Problem, type Route, type RouteContext, toResponse } from "@ovation/protocol";

export interface RoutesServer {
  readonly url: string;
  stop(): Promise<void>;
}

export function serveRoutes(routes: readonly Route[]): RoutesServer {
  const paths: Record<
    string,
    Partial<
      Record<string, (request: Bun.BunRequest, server: Bun.Server<undefined>) => Promise<Response>>
    >
  > = {};
  for (const route of routes) {
    const methods = paths[route.path] ?? {};
    paths[route.path] = methods;
    methods[route.method] = async (request, server) => {
      const context: RouteContext = {
        params: request.params as Readonly<Record<string, string>>,
        address: request.headers.get("x-test-address") ?? server.requestIP(request)?.address ?? "",
      };
      try {
        return toResponse(await route.handle(request, context));
      } catch (error) {
        if (error instanceof Problem) return error.toResponse();
        console.error(error);
        return new Problem("internal-error").toResponse();
      }
    };
  }
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    routes: paths,
    fetch: () => new Problem("not-found").toResponse(),
  });
  return { url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}
