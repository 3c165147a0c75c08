/** Where the server is, as seen from a script of it: also below a path, `https://example.org/live`. */

/**
 * The server's address without a slash at its end. Scripts of the server are in `assets/`; a script
 * that a site bundled somewhere else says its origin only, and the site names the server.
 */
export function serverOf(moduleUrl: string): string {
  const { origin, pathname } = new URL(moduleUrl);
  return origin + (/^(.*)\/assets\/[^/]+$/.exec(pathname)?.[1] ?? "");
}
