/** Who may write to whom, for the page's buttons; `comments/members/message-rules.ts` decides. */

import type { Author } from "@ovation/client";

/** `messages` of the policy file. */
export type MessageRule = "staff" | "members" | "anyone";

export function mayWrite(from: Author["role"], to: Author["role"], rule: MessageRule): boolean {
  if (isStaff(from) || rule === "anyone") return true;
  // A guest may reply within a conversation; only `anyone` allows a guest to begin one.
  if (from === "guest") return false;
  return isStaff(to) || (rule === "members" && to === "member");
}

function isStaff(role: Author["role"]): boolean {
  return role === "host" || role === "moderator";
}
