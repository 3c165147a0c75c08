/** The check of who may write to whom. */

import { type Identity, Problem, type RouteContext } from "@ovation/protocol";
import { isStaff, requireUnsanctioned } from "../requests/access.ts";
import type { MessageRule, People, Service } from "../service.ts";

/**
 * Throws `forbidden`, `timed-out` or `banned`. The sender may always answer a recipient who has
 * written to the sender, whatever the rule and the inbox state.
 */
export async function requireMayWrite(
  service: Service,
  context: RouteContext,
  people: People,
  sender: Identity,
  recipient: string,
): Promise<void> {
  if (sender.sub === recipient) throw new Problem("forbidden", "This is you");
  await requireUnsanctioned(service, context, sender);
  if (isStaff(sender.role)) return;
  const { blocks, conversations, inboxes } = people.stores;
  const blockers = await blocks.between(sender.sub, recipient);
  if (blockers.includes(sender.sub)) throw new Problem("forbidden", "You have blocked this member");
  const heard = (await conversations.find(sender.sub, recipient))?.heard ?? false;
  if (blockers.length === 0 && heard) return;
  const role = people.staff.has(recipient) ? "moderator" : await people.directory.roleOf(recipient);
  // The same words as for other refusals, so that a sender does not learn of a block.
  if (blockers.length > 0 || !ruleAllows(people.messages, sender, role)) {
    throw new Problem(
      "forbidden",
      sender.role === "guest" && people.messages !== "anyone"
        ? "Guests may not write first here; sign in"
        : "You may not write to this member",
    );
  }
  if (!(await inboxes.isOpen(recipient)))
    throw new Problem("forbidden", "This member's inbox is closed");
}

function ruleAllows(
  rule: MessageRule,
  sender: Identity,
  recipientRole: string | undefined,
): boolean {
  if (rule === "anyone") return true;
  if (sender.role === "guest") return false;
  if (recipientRole === "host" || recipientRole === "moderator") return true;
  // A recipient without a profile is a member: guests have one from their first request on.
  return rule === "members" && recipientRole !== "guest";
}
