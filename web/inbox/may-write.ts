/** Who may write to whom, as far as a page knows; `comments/members/message-rules.ts` decides. */

import type { Author } from "@ovation/client";

/** `messages` of the policy file. */
export type MessageRule = "staff" | "members" | "anyone";

export function mayWrite(from: Author["role"], to: Author["role"], rule: MessageRule): boolean {
  if (isStaff(from) || rule === "anyone") return true;
  // A guest may answer, and does that in the conversation; only `anyone` lets one write first.
  if (from === "guest") return false;
  return isStaff(to) || (rule === "members" && to === "member");
}

function isStaff(role: Author["role"]): boolean {
  return role === "host" || role === "moderator";
}
