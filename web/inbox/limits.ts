/** Every limit of the inbox, with its name. */

/** Conversations in the list; older ones are on the server. */
export const CONVERSATIONS_SHOWN = 30;
/** Messages read when a conversation opens, and in each step of "load earlier". */
export const MESSAGES_PAGE = 50;
/** Messages kept of the open conversation; the oldest are dropped and can be loaded again. */
export const MESSAGES_KEPT_MAX = 500;
/** The member's own messages that are pending or failed. */
export const LOCAL_MAX = 10;
/** Notifications that are kept. */
export const NOTICES_MAX = 30;
/** Members whose presence is requested when the inbox opens. */
export const PRESENCE_ASKED_MAX = 12;
/** Receipts of delivered messages are merged over this time, ms. */
export const DELIVERED_DELAY_MS = 300;
/** A message, in code points; how many are left is shown from the second number on. */
export const MESSAGE_CODE_POINTS_MAX = 1000;
export const COUNTER_FROM_LEFT = 100;
/** How long typing is shown where the event has no duration, ms. */
export const TYPING_MS = 6000;
/** The longest duration accepted from an event, ms. */
export const TYPING_MS_MAX = 60_000;
/** Messages by one author within this time form a group, ms. */
export const GROUP_MS = 5 * 60_000;
/** The badge says "99+" beyond. */
export const BADGE_MAX = 99;
/** How long a toast stays, and how many are there at once. */
export const TOAST_MS = 8000;
export const TOASTS_MAX = 3;
/** The conversation follows when it is nearer to its end than this. */
export const FOLLOW_DISTANCE_PX = 80;
/** The longest wait of a browser timer, ms. */
export const TIMER_MS_MAX = 2 ** 31 - 1;
