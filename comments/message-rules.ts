/** Who may write to whom. */

import { type Identity, Problem } from "@ovation/protocol";
import { isStaff, type People } from "./service.ts";

/**
 * Beyond hosts and moderators, who may write to anyone and be written to by anyone:
 * `staff`: nobody else; `members`: members to members; `anyone`: guests too.
 */
export type MessageRule = "staff" | "members" | "anyone";

/** Throws `forbidden`, `timed-out` or `banned` where `sender` may not write to `recipient`. */
export async function requireMayWrite(
  people: People,
  sender: Identity,
  recipient: string,
): Promise<void> {
  if (sender.sub === recipient) throw new Problem("forbidden", "This is you");
  if (isStaff(sender.role)) return;
  await people.directory.requireUnsanctioned(sender.sub);
  const blockers = await people.stores.blocks.between(sender.sub, recipient);
  if (blockers.includes(sender.sub)) throw new Problem("forbidden", "You have blocked this member");
  // The same words as for any other refusal: nobody learns that they are blocked.
  const profile = (await people.stores.members.profiles([recipient])).get(recipient);
  const allowed =
    blockers.length === 0 &&
    (isStaff(profile?.role) || ruleAllows(people.messages, sender, profile?.role));
  if (!allowed) throw new Problem("forbidden", "You may not write to this member");
}

function ruleAllows(
  rule: MessageRule,
  sender: Identity,
  recipientRole: string | undefined,
): boolean {
  if (rule === "anyone") return true;
  // A member whom nobody has seen here yet is one: guests are known from the moment they act.
  return rule === "members" && sender.role === "member" && recipientRole !== "guest";
}
