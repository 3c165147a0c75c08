/** The URL of the server that served a script, also below a path: `https://example.org/live`. */

/**
 * The server's URL without a slash at its end. Scripts of the server are in `assets/`; a script
 * that a site bundled elsewhere has only its origin, and the site sets the server.
 */
export function serverOf(moduleUrl: string): string {
  const { origin, pathname } = new URL(moduleUrl);
  return origin + (/^(.*)\/assets\/[^/]+$/.exec(pathname)?.[1] ?? "");
}
