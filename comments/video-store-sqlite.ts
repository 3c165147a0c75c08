/** Videos in a SQLite file, beside the log's. */

import { guarded, openSqlite } from "./sqlite-database.ts";
import { type MediaSource, type StoredVideo, unusedVideo, type VideoStore } from "./video-store.ts";

const MIGRATIONS = [
  `CREATE TABLE videos (
     id TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT NOT NULL, live INTEGER NOT NULL, closed INTEGER NOT NULL,
     media TEXT NOT NULL, poster TEXT NOT NULL, created_at INTEGER NOT NULL, active_at INTEGER NOT NULL, comments INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX videos_by_activity ON videos (live DESC, active_at DESC);
   CREATE TABLE likes (
     video TEXT NOT NULL, kind TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (video, kind)
   ) STRICT, WITHOUT ROWID;`,
];

interface Row {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly live: number;
  readonly closed: number;
  readonly media: string;
  readonly poster: string;
  readonly created_at: number;
  readonly active_at: number;
  readonly comments: number;
}

export interface SqliteVideoStoreOptions {
  /** The file, or ":memory:". */
  readonly path: string;
}

export function openSqliteVideoStore(options: SqliteVideoStoreOptions): VideoStore {
  const file = openSqlite(options.path, MIGRATIONS);
  const { database } = file;
  const selectVideo = database.query<Row, [string]>("SELECT * FROM videos WHERE id = ?");
  const selectLikes = database.query<{ kind: string; n: number }, [string]>("SELECT kind, n FROM likes WHERE video = ? ORDER BY kind");
  const selectList = database.query<Row, [number]>("SELECT * FROM videos ORDER BY live DESC, active_at DESC, id LIMIT ?");
  const upsertVideo = database.query(
    `INSERT INTO videos (id, title, description, live, closed, media, poster, created_at, active_at, comments)
     VALUES ($id, $title, $description, $live, $closed, $media, $poster, $createdAt, $activeAt, 0)
     ON CONFLICT (id) DO UPDATE SET title = $title, description = $description, live = $live, closed = $closed,
       media = $media, poster = $poster, active_at = $activeAt`,
  );
  const addComments = database.query(
    `INSERT INTO videos (id, title, description, live, closed, media, poster, created_at, active_at, comments)
     VALUES ($id, '', '', 1, 0, '[]', '', $now, $now, max(0, $comments))
     ON CONFLICT (id) DO UPDATE SET comments = max(0, comments + $comments), active_at = $now`,
  );
  const addLikes = database.query(
    "INSERT INTO likes (video, kind, n) VALUES ($id, $kind, $n) ON CONFLICT (video, kind) DO UPDATE SET n = n + $n",
  );

  function likesOf(id: string): Record<string, number> {
    return Object.fromEntries(selectLikes.all(id).map(({ kind, n }) => [kind, n]));
  }

  function toVideo(row: Row): StoredVideo {
    return {
      id: row.id,
      title: row.title,
      description: row.description,
      live: row.live !== 0,
      closed: row.closed !== 0,
      media: JSON.parse(row.media) as MediaSource[],
      poster: row.poster,
      createdAt: row.created_at,
      activeAt: row.active_at,
      comments: row.comments,
      likes: likesOf(row.id),
    };
  }

  function find(id: string): StoredVideo | undefined {
    const row = selectVideo.get(id);
    return row === null ? undefined : toVideo(row);
  }

  return {
    async read(ids) {
      return guarded(() => ids.map(find));
    },
    async list(limit) {
      return guarded(() => selectList.all(limit).map(toVideo));
    },
    async put(id, changes, now) {
      return file.transaction(() => {
        const video = { ...(find(id) ?? unusedVideo(id, now)), ...changes, activeAt: now };
        upsertVideo.run({
          id,
          title: video.title,
          description: video.description,
          live: video.live ? 1 : 0,
          closed: video.closed ? 1 : 0,
          media: JSON.stringify(video.media),
          poster: video.poster,
          createdAt: video.createdAt,
          activeAt: now,
        });
        return video;
      });
    },
    async add(changes, now) {
      return file.transaction(() =>
        changes.map(({ id, comments, likes }) => {
          addComments.run({ id, comments, now });
          for (const [kind, n] of Object.entries(likes)) addLikes.run({ id, kind, n });
          return likesOf(id);
        }),
      );
    },
    async close() {
      file.close();
    },
  };
}
