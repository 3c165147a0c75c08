/**
 * A token in a link: `/watch/42#token=…`. Any page can write such a link with a token of its own;
 * the victim would then comment under that member's name, and the attacker could read their
 * messages. So a token is accepted only from pages of this server and of origins in the policy
 * (`pages.tokenOrigins`), or where the reader opened the URL directly; and it never replaces the
 * identity of the tab without a question.
 */

export interface Navigation {
  readonly ownOrigin: string;
  /** `document.referrer`. */
  readonly referrer: string;
  /** `Sec-Fetch-Site` of the page's request, from the server; empty where the browser sent none. */
  readonly site: string;
  readonly allowedOrigins: readonly string[];
}

export interface Claimed {
  readonly sub: string;
  readonly name: string;
  readonly role: string;
}

export type Decision = "take" | "ask" | "drop";

/** `handed` and `current` are claims of unverified tokens: the server verifies. */
export function decide(
  navigation: Navigation,
  handed: Claimed | undefined,
  current: Claimed | undefined,
): Decision {
  // Guests are made on this page, never by a link.
  if (handed === undefined || handed.role === "guest") return "drop";
  const { ownOrigin, referrer, site, allowedOrigins } = navigation;
  const from = URL.canParse(referrer) ? new URL(referrer).origin : undefined;
  const isKnown = from === ownOrigin || (from !== undefined && allowedOrigins.includes(from));
  // From another site, also one that suppresses its referrer.
  if (!isKnown && (from !== undefined || site === "cross-site" || site === "same-site"))
    return "drop";
  if (current !== undefined && current.sub !== handed.sub) return "ask";
  return isKnown || site === "none" || site === "same-origin" ? "take" : "ask";
}

/** The bearer in a token's claims; `undefined` where the token has another form. */
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
