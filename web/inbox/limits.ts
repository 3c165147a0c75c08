/** Every limit of the inbox, with its name. */

/** Conversations in the list; older ones are on the server. */
export const CONVERSATIONS_SHOWN = 30;
/** Messages read when a conversation opens, and in each step of "load earlier". */
export const MESSAGES_PAGE = 50;
/** Messages of the open conversation that are kept; the oldest go first and can be loaded again. */
export const MESSAGES_KEPT_MAX = 500;
/** Messages of one's own that are on their way or failed. */
export const LOCAL_MAX = 10;
/** Notifications that are kept. */
export const NOTICES_MAX = 30;
/** Members whose presence is asked for when the inbox opens. */
export const PRESENCE_ASKED_MAX = 12;
/** That messages have reached this device is said once for those that come together, ms. */
export const DELIVERED_DELAY_MS = 300;
/** A message, in code points; how many are left is shown from the second number on. */
export const MESSAGE_CODE_POINTS_MAX = 1000;
export const COUNTER_FROM_LEFT = 100;
/** Where an event does not say how long typing holds, ms. */
export const TYPING_MS = 6000;
/** And the longest that an event may say, ms. */
export const TYPING_MS_MAX = 60_000;
/** Messages by one author within this stand together, ms. */
export const GROUP_MS = 5 * 60_000;
/** The badge says "99+" beyond. */
export const BADGE_MAX = 99;
/** How long a toast stays, and how many are there at once. */
export const TOAST_MS = 8000;
export const TOASTS_MAX = 3;
/** Nearer to the end than this, the conversation follows. */
export const FOLLOW_DISTANCE_PX = 80;
/** Timers of the browser hold no longer waits, ms. */
export const TIMER_MS_MAX = 2 ** 31 - 1;
