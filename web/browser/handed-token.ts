/**
 * A token that a link hands over: `/watch/42#token=…`. Any page can write such a link, with a token of its
 * own, and its victim would then write under another's name, and be read. So a token counts only from
 * pages of this server and of origins that the policy lists (`pages.tokenOrigins`), or where the reader
 * opened the address themselves; and it never replaces who the tab is without a question.
 */

export interface Navigation {
  readonly ownOrigin: string;
  /** `document.referrer`. */
  readonly referrer: string;
  /** `Sec-Fetch-Site` of the page's request, as the server saw it; empty where the browser sent none. */
  readonly site: string;
  readonly allowedOrigins: readonly string[];
}

export interface Claimed {
  readonly sub: string;
  readonly name: string;
  readonly role: string;
}

export type Decision = "take" | "ask" | "drop";

/** `handed` and `current` are what the tokens say, unverified: the server verifies. */
export function decide(
  navigation: Navigation,
  handed: Claimed | undefined,
  current: Claimed | undefined,
): Decision {
  // Guests are made here, by whoever is one.
  if (handed === undefined || handed.role === "guest") return "drop";
  const { ownOrigin, referrer, site, allowedOrigins } = navigation;
  const from = URL.canParse(referrer) ? new URL(referrer).origin : undefined;
  const isKnown = from === ownOrigin || (from !== undefined && allowedOrigins.includes(from));
  // From another site, also one that hides its name.
  if (!isKnown && (from !== undefined || site === "cross-site" || site === "same-site"))
    return "drop";
  if (current !== undefined && current.sub !== handed.sub) return "ask";
  return isKnown || site === "none" || site === "same-origin" ? "take" : "ask";
}

/** What a token says of its bearer; `undefined` where it is none of this form. */
export function claimedBy(token: string | undefined): Claimed | undefined {
  const payload = token?.split(".")[1];
  if (payload === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (unit) =>
      unit.charCodeAt(0),
    );
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const { sub, name, role } = claims;
    if (typeof sub !== "string") return undefined;
    return {
      sub,
      name: typeof name === "string" && name !== "" ? name : sub,
      role: typeof role === "string" ? role : "member",
    };
  } catch {
    return undefined;
  }
}
