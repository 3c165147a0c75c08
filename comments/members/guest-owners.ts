/** Comments of guests who have become members, shown as the members' own. */

import { isTopicId } from "@ovation/protocol";
import type { Comment } from "../comment.ts";
import type { Service } from "../service.ts";

/** The same comments; those of former guests with the member as their author. */
export async function withOwners(
  service: Service,
  comments: readonly Comment[],
): Promise<readonly Comment[]> {
  const { people } = service;
  if (people === undefined) return comments;
  const guests = new Set(
    comments
      .filter(({ author }) => author.role === "guest" && isTopicId(author.id))
      .map(({ author }) => author.id),
  );
  const owners = await people.stores.members.ownersOf([...guests]);
  if (owners.size === 0) return comments;
  const profiles = await people.stores.members.profiles([...new Set(owners.values())]);
  return comments.map((comment) => {
    const owner = owners.get(comment.author.id);
    if (owner === undefined) return comment;
    const { name, avatar, role } = profiles.get(owner) ?? {
      name: comment.author.name,
      avatar: undefined,
      role: "member" as const,
    };
    const author = { id: owner, name, role, ...(avatar === undefined ? {} : { avatar }) };
    return { ...comment, author };
  });
}
