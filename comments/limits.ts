/** The limits of the comments service that no other module needs. */

import type { RateRule } from "./rates/rate-limiter.ts";

/** The reason of a removal, a time-out or a ban, in code points. */
export const REASON_CODE_POINTS_MAX = 200;
export const TITLE_CODE_POINTS_MAX = 200;
export const DESCRIPTION_CODE_POINTS_MAX = 5_000;
export const MEDIA_SOURCES_MAX = 8;
export const ADDRESS_CHARACTERS_MAX = 2_048;
/** The body of `PUT /v1/videos/{id}`: a server sends it, not a viewer. */
export const VIDEO_BODY_BYTES_MAX = 64 * 1024;

/** A list waits for the counts of its videos where at most this many are pending. */
export const LIST_FLUSH_VIDEOS_MAX = 50;

/** An address is charged once for a video it creates; by then every process knows the video. */
export const NEW_VIDEO_AGE_MS = 10_000;
export const NEW_VIDEOS_KEPT_MAX = 10_000;
/** Reads of the store for one page of the list, where private videos leave the page short. */
export const LIST_READS_MAX = 20;

export const READ_UNIT_ROWS = 50;
export const READ_UNIT_BYTES = 16 * 1024;
/** Addresses whose last answers were larger than what they paid; the oldest are let off. */
export const READ_DEBTS_KEPT_MAX = 100_000;
/** By then the address's allowance has come back several times. */
export const READ_DEBT_AGE_MS = 60_000;

/** Videos in one answer of `GET /v1/videos`. */
export const VIDEO_LIST_DEFAULT = 50;
export const VIDEO_LIST_MAX = 200;

/** Likes are stored and published at most this often. */
export const COUNT_FLUSH_MS = 250;
/** How soon the first like after a quiet time goes out: long enough for those that come with it. */
export const COUNT_FLUSH_FIRST_MS = 10;
/** A like that is not stored within this time: further ones are refused until it is. */
export const LIKES_UNSTORED_MS_MAX = 2_000;
/** A stop waits this long for likes to be stored; then it says how many are lost. */
export const LIKES_CLOSE_MS_MAX = 5_000;
/** A stop waits this long for everything that was begun. */
export const COMMENTS_CLOSE_MS_MAX = 6_000;
/** Videos that wait to be counted; likes beyond are refused with 503. */
export const COUNTED_VIDEOS_MAX = 20_000;
/** A video is counted this long after a comment, or at once by a request for the video. */
export const COUNT_COMMENTS_MS = 1_000;
/** Steps of `TALLY_EVENTS_MAX` that a response waits for; the background counts the rest. */
export const COUNT_STEPS_MAX = 50;
/** So many events that are no comments are passed over before the store says that they were. */
export const COUNT_LAG_EVENTS_MAX = 10_000;
/** Videos stored per transaction, so that a flush of very many does not hold up comments. */
export const COUNT_FLUSH_VIDEOS_MAX = 500;
/** Videos whose like totals are remembered between flushes. */
export const TOTALS_KEPT_MAX = 10_000;

/** Identical reads within this window share one read of the log, after the first few. */
export const COALESCED_READ_WINDOW_MS = 100;
export const COALESCED_READS_AT_ONCE = 4;
export const COALESCED_READ_KEYS_MAX = 10_000;
/** A refused request counts for the readiness of the process for this long. */
export const RECENT_FAILURE_AGE_MS = 15_000;
/** Comments that one page of history reads, removed ones included; then it has `next`. */
export const HISTORY_EVENTS_MAX = 10_000;
/** Comments of one read of the log, after the first, where removed ones left the page short. */
export const HISTORY_READ_EVENTS = 500;

/** The write path uses settings of a video of at most this age. */
export const VIDEO_SETTINGS_AGE_MS = 1_000;
export const VIDEO_SETTINGS_KEPT_MAX = 10_000;
/** While the database is unreachable, a stale value counts for this long: of an address … */
export const SANCTIONS_STALE_MS = 15_000;
/** … and of a video. */
export const VIDEO_SETTINGS_STALE_MS = 60_000;

/**
 * Numbers of viewers that stand while they cannot be read; beyond, the least recent are evicted,
 * and shown as 0.
 */
export const KNOWN_VIEWERS_MAX = 20_000;
export const KNOWN_VIEWERS_AGE_MS = 10 * 60_000;

/** Who may do how much. Hosts, moderators and servers that may publish to the topic are exempt. */
export interface RateRules {
  readonly commentsPerMember: RateRule;
  /** Many people share one address (a school, a mobile carrier): this stops floods, not viewers. */
  readonly commentsPerAddress: RateRule;
  readonly likesPerMember: RateRule;
  readonly likesPerAddress: RateRule;
  readonly guestsPerAddress: RateRule;
  /** Comments of all guests of an address, beside what the address may write in all. */
  readonly guestCommentsPerAddress: RateRule;
  /** Reads, in units: a request, 50 rows of a page, or 16 KB of an answer, whichever is most. */
  readonly readsPerAddress: RateRule;
  /** Videos that viewers make by being the first who like or comment them. */
  readonly newVideosPerAddress: RateRule;
  readonly messagesPerMember: RateRule;
  readonly messagesPerAddress: RateRule;
  readonly typingPerMember: RateRule;
  readonly typingPerAddress: RateRule;
  /** Receipts, blocks and what else a member's own page does by itself. */
  readonly membersPerMember: RateRule;
  readonly membersPerAddress: RateRule;
}

export const DEFAULT_RATE_RULES: RateRules = {
  commentsPerMember: { burst: 5, perMs: 10_000 },
  commentsPerAddress: { burst: 300, perMs: 10_000 },
  likesPerMember: { burst: 30, perMs: 10_000 },
  likesPerAddress: { burst: 1_000, perMs: 10_000 },
  guestsPerAddress: { burst: 200, perMs: 60_000 },
  guestCommentsPerAddress: { burst: 40, perMs: 20_000 },
  readsPerAddress: { burst: 2_000, perMs: 10_000 },
  newVideosPerAddress: { burst: 60, perMs: 60_000 },
  messagesPerMember: { burst: 20, perMs: 60_000 },
  messagesPerAddress: { burst: 120, perMs: 60_000 },
  typingPerMember: { burst: 10, perMs: 10_000 },
  typingPerAddress: { burst: 200, perMs: 10_000 },
  membersPerMember: { burst: 60, perMs: 60_000 },
  membersPerAddress: { burst: 600, perMs: 60_000 },
};

const DAY_MS = 24 * 60 * 60_000;

/** How long records beside the log are kept, ms. */
export interface RecordLives {
  /** Videos that no host made, after their last comment or like; their comments end with them. */
  readonly unlistedVideosMs: number;
  /** Those of them that were only liked. */
  readonly likedVideosMs: number;
  /** Names of guests, after they were last here. */
  readonly guestsMs: number;
  /** Time-outs and bans, after their end. */
  readonly endedSanctionsMs: number;
  /** Which member a guest became, after that; their comments are the guest's again then. */
  readonly guestLinksMs: number;
  /** That a video was deleted. */
  readonly deletedVideosMs: number;
  /** When a member was last connected. */
  readonly presenceMs: number;
}

export const DEFAULT_RECORD_LIVES: RecordLives = {
  unlistedVideosMs: 365 * DAY_MS,
  likedVideosMs: 7 * DAY_MS,
  guestsMs: 90 * DAY_MS,
  endedSanctionsMs: 90 * DAY_MS,
  guestLinksMs: 730 * DAY_MS,
  deletedVideosMs: 730 * DAY_MS,
  presenceMs: 30 * DAY_MS,
};

/** A process that stored no likes for so long has no flush to send again. */
export const LIKE_WRITERS_MS = DAY_MS;

/** Rows that one step of the upkeep drops. */
export const UPKEEP_ROWS_MAX = 500;

export const RATE_LIMITER_KEYS_MAX = 200_000;

/** What a viewer may tap, unless the configuration names others. */
export const DEFAULT_LIKE_KINDS = ["like", "love", "laugh", "wow", "sad", "clap"] as const;

/** A message from one member to another, in code points. */
export const MESSAGE_CODE_POINTS_MAX = 1_000;
/** What the list of conversations shows of the newest message. */
export const MESSAGE_PREVIEW_CODE_POINTS = 120;
export const CONVERSATIONS_DEFAULT = 30;
export const CONVERSATIONS_MAX = 100;
export const BLOCKS_MAX = 1_000;
export const SANCTIONS_MAX = 200;
/** A member counts as typing for this long after each `typing` request. */
export const TYPING_MS = 6_000;

/** The write path uses sanctions and owners of at most this age. */
export const MEMBER_AGE_MS = 1_000;
export const MEMBERS_KEPT_MAX = 50_000;
/** A profile that has not changed is written down again after this time. */
export const PROFILE_AGE_MS = 60 * 60_000;
export const PROFILE_FLUSH_MS = 250;
export const PROFILES_WAITING_MAX = 1_000;
/** Connected hosts and moderators whose profile is not written down again for a while. */
export const STAFF_NOTED_MAX = 10_000;

/** A sanction of a guest covers all guests of the address: for its length, or at most this. */
export const ADDRESS_SANCTION_MS_MAX = 30 * 60_000;
/** The hash of a guest's address is kept this long after they last wrote. */
export const GUEST_ADDRESS_MS = 24 * 60 * 60_000;
/** A guest's address is noted again after this time. */
export const ADDRESS_NOTE_MS = 60 * 60_000;

/** A time-out, at most: 31 days. Longer is a ban. */
export const TIME_OUT_SECONDS_MAX = 31 * 24 * 60 * 60;
/** Comments whose mentions and answers are being told at once; beyond, they are not. */
export const BACKGROUND_MAX = 1_000;
/** Notifications that a removal takes the text out of before it looks for more. */
export const NOTICE_RETRACTIONS_AT_ONCE = 100;
/** Notifications of one read of a member's topic. */
export const NOTICE_SEARCH_PAGE = 200;
/** Members that one removal searches for notifications without a link. */
export const POSSIBLE_MENTIONS_MAX = 20;
/** Topics that the pass over notifications without links lists at once. */
export const NOTICE_LINK_TOPICS = 50;
/** Pages of notifications that one step of that pass reads. */
export const NOTICE_LINK_READS_PER_STEP = 10;
/** Clocks of processes may differ by this much where a notification is looked for by its time. */
export const NOTICE_SEARCH_MARGIN_MS = 60_000;
/** For how long a removal finds notifications where the policy keeps them without end. */
export const NOTICES_KEPT_MS = 365 * 24 * 60 * 60_000;

/** People one comment can call by name. */
export const MENTIONS_MAX = 3;
/** Whom a comment can mention: the authors of this many comments before it. */
export const MENTIONED_AMONG = 200;

/** Members who stay connected are said to be so this often; see `presence.ts`. */
export const PRESENCE_HEARTBEAT_MS = 30_000;
export const PRESENCE_GRACE_MS = 5_000;
export const PRESENCE_MEMBERS_MAX = 500_000;
/** Those who are told when a member comes or goes: the partners of the newest conversations. */
export const PRESENCE_AUDIENCE_MAX = 100;
/** Members whose presence is looked up or written at once. */
export const PRESENCE_BATCH = 200;

/** Names of hosts and moderators that guests may not take. */
export const NAMES_STAFF_MAX = 2_000;
/** The same of members in one video, and videos for which they are known. */
export const NAMES_PER_VIDEO_MAX = 2_000;
export const NAMES_VIDEOS_MAX = 500;
/** Members of a video are known so long after the last of them was noted there. */
export const NAMES_HERE_MS = 60 * 60_000;
/** Authors of the latest comments are in the video: of so many. */
export const NAMED_AMONG = 200;
/** What the database says of names is at most so old. */
export const NAMES_FRESH_MS = 2_000;
