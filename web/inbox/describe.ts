/** Texts of panel and toasts: counts, names, and notifications. */

import type { NotificationData, Person } from "@ovation/client";
import { html, nothing, type TemplateResult } from "lit/html.js";
import { cleanText } from "../element/list/text.ts";
import { BADGE_MAX } from "./limits.ts";
import { icon, type icons, isGuest, renderAvatar } from "./people.ts";
import type { Words } from "./words.ts";

export function renderBadge(words: Words, count: number): TemplateResult | typeof nothing {
  if (count === 0) return nothing;
  return html`<span class="badge">${
    count > BADGE_MAX ? `${words.number(BADGE_MAX)}+` : words.number(count)
  }</span>`;
}

/** A notification as text with a picture. `over`: a later one revoked it. */
export function describe(
  words: Words,
  now: number,
  data: NotificationData,
  over = false,
): { readonly title: string; readonly detail: string; readonly picture: TemplateResult } {
  const reason =
    "reason" in data && data.reason !== undefined
      ? words.t("reason", { text: cleanText(data.reason) })
      : "";
  const sign = (name: keyof typeof icons, kind = "") =>
    html`<span class=${`sign ${kind}`}>${icon(name)}</span>`;
  switch (data.kind) {
    case "comment-removed":
      return { title: words.t("comment-removed"), detail: reason, picture: sign("removed") };
    case "reply":
    case "mention":
      return {
        title: words.t(data.kind, { name: nameOf(words, data.from) }),
        detail: cleanText(data.text),
        picture: renderAvatar(data.from),
      };
    case "timed-out": {
      const key = data.until > now && !over ? "timed-out" : "timed-out-over";
      return {
        title: words.t(key, { text: words.moment(data.until, now) }),
        detail: reason,
        picture: sign("pause", "warning"),
      };
    }
    case "banned": {
      const { until } = data;
      const title =
        until === undefined
          ? words.t("banned")
          : words.t(until > now && !over ? "banned-until" : "banned", {
              text: words.moment(until, now),
            });
      return { title, detail: reason, picture: sign("pause", "warning") };
    }
    case "restored":
      return { title: words.t("restored"), detail: "", picture: sign("restored") };
    default:
      // A kind that a later server knows.
      return { title: words.t("notifications"), detail: "", picture: sign("bell") };
  }
}

/** A member inside a sentence; a guest is marked as one. */
export function nameOf(words: Words, { id, name }: Person): string {
  return isolate(isGuest(id) ? `${name} (${words.t("guest")})` : name);
}

/** A name inside a sentence keeps its own direction, and gives none to the sentence. */
export function isolate(name: string): string {
  return `\u2068${cleanText(name)}\u2069`;
}
