/** Comments and removals as events. A method resolves after the commit, and before the publish. */

import type { Appended, LogEntry } from "@ovation/log";
import { type Identity, type JsonText, Problem, type Role, toJsonText } from "@ovation/protocol";
import { authorOf, type Comment, commentDataOf, removedData } from "./comment.ts";
import { pinnedSeqOf } from "./history/history.ts";
import {
  findPossiblyNotified,
  linkPossiblyNotified,
  retractNotices,
} from "./members/notifications/notice-retraction.ts";
import { notificationEntry } from "./members/notifications/notifications.ts";
import type { Writer } from "./requests/access.ts";
import type { NamedVideo, Service } from "./service.ts";

export interface NewComment {
  readonly text: string;
  readonly clientId?: string | undefined;
  readonly replyTo?: number | undefined;
}

export interface Removal {
  readonly reason: string | undefined;
  /** The member to notify; absent where the author removes the comment. */
  readonly notify: string | undefined;
}

export interface WrittenComment {
  /** The stored comment, as JSON text. */
  readonly json: string;
  readonly seq: number;
  readonly at: number;
  /** A retry: the log had it already. */
  readonly duplicate: boolean;
}

export interface CommentWriter {
  /** Throws `key-reused`. */
  write(video: NamedVideo, author: Writer, comment: NewComment): Promise<WrittenComment>;
  /**
   * Takes the text out of the log and out of notifications, and publishes the removal. Repeating it
   * changes nothing.
   */
  remove(video: NamedVideo, comment: Comment, removal: Removal): Promise<void>;
  /** Any other event of the service itself. */
  appendOwn(video: NamedVideo, type: string, data: JsonText): Promise<void>;
}

export function createCommentWriter(service: Service): CommentWriter {
  const { clock, metrics, commentCounts } = service;
  /** The verifier's cache returns one identity object per token, so each author is encoded once. */
  const authors = new WeakMap<Identity, Map<Role, JsonText>>();

  function authorText({ identity, role }: Writer): JsonText {
    let byRole = authors.get(identity);
    if (byRole === undefined) {
      byRole = new Map();
      authors.set(identity, byRole);
    }
    let text = byRole.get(role);
    if (text === undefined) {
      text = toJsonText(authorOf(identity, role));
      byRole.set(role, text);
    }
    return text;
  }

  return {
    // Hot path: 15,000 calls a second on one core. The JSON is joined from parts that are JSON
    // already, instead of building and walking an object (comments.bench.ts).
    async write(video, author, { text, clientId, replyTo }) {
      const data = `{"text":${JSON.stringify(text)},"author":${authorText(author)}${
        clientId === undefined ? "" : `,"clientId":${JSON.stringify(clientId)}`
      }${replyTo === undefined ? "" : `,"replyTo":${replyTo}`}}` as JsonText;
      const at = clock.now();
      const entry = { topic: video.topic, type: "comment", at, data };
      const started = performance.now();
      const [appended] = await service.writer.write([
        clientId === undefined ? entry : { ...entry, key: `${author.identity.sub} ${clientId}` },
      ]);
      metrics.commitSeconds.observe((performance.now() - started) / 1_000);
      if (appended === undefined) throw new Error("the log answered nothing for an entry");
      if (appended.duplicate) {
        metrics.duplicates.inc();
        return writtenOf(appended, storedDataOf(appended, text, replyTo));
      }
      metrics.comments.inc();
      commentCounts.touch(video.id);
      return writtenOf(appended, data);
    },

    async remove(video, comment, removal) {
      const entries = await removalEntries(service, video, comment, removal);
      // The text says who was notified, and is gone after the write.
      const notified = await findPossiblyNotified(service, video, comment);
      const [removed] = await service.writer.write(entries);
      await linkPossiblyNotified(service, video.id, comment, notified);
      await retractNotices(service, video.id, comment.seq);
      if (removed?.duplicate === true) return;
      metrics.removals.inc();
      commentCounts.touch(video.id);
    },

    async appendOwn(video, type, data) {
      await service.writer.write([{ topic: video.topic, type, at: clock.now(), data }]);
    },
  };
}

/** The removal, the end of its pin and the notification: committed together. */
async function removalEntries(
  service: Service,
  video: NamedVideo,
  comment: Comment,
  { reason, notify }: Removal,
): Promise<readonly LogEntry[]> {
  const at = service.clock.now();
  const { topic } = video;
  const entries: LogEntry[] = [
    {
      topic,
      type: "comment-removed",
      at,
      data: toJsonText(reason === undefined ? { seq: comment.seq } : { seq: comment.seq, reason }),
      // No member's key begins with a space.
      key: ` remove ${comment.seq}`,
      replace: { seq: comment.seq, data: toJsonText(removedData(comment)) },
    },
  ];
  if ((await pinnedSeqOf(service.log, topic)) === comment.seq) {
    entries.push({
      topic,
      type: "pin",
      at,
      data: toJsonText({ seq: null }),
      key: ` unpin ${comment.seq}`,
    });
  }
  if (notify !== undefined) {
    const notice = {
      kind: "comment-removed",
      video: video.id,
      seq: comment.seq,
      ...(reason === undefined ? {} : { reason }),
    } as const;
    entries.push(notificationEntry(notify, notice, at, `removed ${video.id} ${comment.seq}`));
  }
  return entries;
}

function writtenOf({ place, at, duplicate }: Appended, data: JsonText): WrittenComment {
  return { json: `{"seq":${place.seq},"at":${at},${data.slice(1)}`, seq: place.seq, at, duplicate };
}

/** What the first request with this key stored; throws where that was another comment. */
function storedDataOf({ stored }: Appended, text: string, replyTo: number | undefined): JsonText {
  if (stored === undefined) throw new Error("the log answered a duplicate without what is stored");
  const first = stored.type === "comment" ? commentDataOf(stored.data) : undefined;
  // A removed text cannot be compared any more; a retry is the likelier case.
  const same =
    first !== undefined &&
    (first.removed === true || (first.text === text && first.replyTo === replyTo));
  if (!same) throw new Problem("key-reused", "This clientId was used for another comment");
  return stored.data;
}
