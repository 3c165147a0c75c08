/** What a stop reports of accepted likes that no store took. */

import type { LostLikes } from "@ovation/comments";

export function describeLostLikes({ likes, videos }: LostLikes): readonly string[] {
  if (likes === 0) return [];
  return [
    `${likes} likes of ${videos} videos were accepted and could not be stored or confirmed: ` +
      "they are lost",
  ];
}
