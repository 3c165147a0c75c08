import { Problem } from "../requests/problem.ts";

/**
 * The last event of a guest's own topic, durable: the guest has become a member. Frontends end the
 * connections that have the topic by the guest's token.
 */
export const GUEST_UPGRADED = "guest-upgraded";

/** Why a guest's token is not valid any more. */
export function upgradedProblem(): Problem {
  return new Problem("token-invalid", "This guest has become a member: use the member's token");
}
