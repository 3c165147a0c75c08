/** Finds the route of a path: a tree of its parts, in which a name beats a parameter. */

import type { Route } from "@ovation/protocol";

export interface Found {
  /** By method. */
  readonly routes: ReadonlyMap<string, Route>;
  readonly params: Readonly<Record<string, string>>;
}

interface Node {
  readonly children: Map<string, Node>;
  parameter: { readonly name: string; readonly node: Node } | undefined;
  readonly routes: Map<string, Route>;
}

const NO_PARAMS: Readonly<Record<string, string>> = {};

export class Router {
  readonly #root = createNode();
  /** Paths without a parameter, which are most of them. */
  readonly #whole = new Map<string, Found>();

  /** Throws where two routes are for the same. */
  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#add(route);
  }

  find(path: string): Found | undefined {
    return this.#whole.get(path) ?? this.#walk(path);
  }

  #add(route: Route): void {
    let node = this.#root;
    let isWhole = true;
    for (const part of route.path.split("/").slice(1)) {
      if (part.startsWith(":")) {
        isWhole = false;
        const name = part.slice(1);
        node.parameter ??= { name, node: createNode() };
        if (node.parameter.name !== name)
          throw new Error(
            `${route.path}: the parameter is called ${node.parameter.name} elsewhere`,
          );
        node = node.parameter.node;
      } else {
        const child = node.children.get(part) ?? createNode();
        node.children.set(part, child);
        node = child;
      }
    }
    if (node.routes.has(route.method))
      throw new Error(`two routes for ${route.method} ${route.path}`);
    node.routes.set(route.method, route);
    if (isWhole) this.#whole.set(route.path, { routes: node.routes, params: NO_PARAMS });
  }

  #walk(path: string): Found | undefined {
    let node = this.#root;
    const params: Record<string, string> = {};
    for (const part of path.split("/").slice(1)) {
      const child = node.children.get(part);
      if (child !== undefined) {
        node = child;
      } else if (node.parameter !== undefined && part !== "") {
        params[node.parameter.name] = decode(part);
        node = node.parameter.node;
      } else {
        return undefined;
      }
    }
    return node.routes.size === 0 ? undefined : { routes: node.routes, params };
  }
}

function createNode(): Node {
  return { children: new Map(), parameter: undefined, routes: new Map() };
}

/** A part that cannot be decoded becomes U+FFFD, which no id contains: handlers refuse it. */
function decode(part: string): string {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return "\ufffd";
  }
}
