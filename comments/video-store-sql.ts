/** Videos in an SQL database: an SQLite file beside the log's, or PostgreSQL. */

import {
  numberOf,
  placeholders,
  type SqlDatabase,
  type SqlRow,
  type SqlRunner,
  type SqlSchema,
  textOf,
} from "./sql-database.ts";
import { openPostgresDatabase } from "./sql-database-postgres.ts";
import { openSqliteDatabase } from "./sql-database-sqlite.ts";
import {
  type FlushId,
  type LikesChange,
  type MediaSource,
  type StoredVideo,
  unusedVideo,
  type VideoStore,
} from "./video-store.ts";

const SCHEMA: SqlSchema = {
  part: "videos",
  migrations: [
    `CREATE TABLE ovation_videos (
       id TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT NOT NULL, live INTEGER NOT NULL, closed INTEGER NOT NULL,
       media TEXT NOT NULL, poster TEXT NOT NULL, created_at BIGINT NOT NULL, active_at BIGINT NOT NULL, comments BIGINT NOT NULL
     );
     CREATE INDEX ovation_videos_by_activity ON ovation_videos (live DESC, active_at DESC);
     CREATE TABLE ovation_likes (video TEXT NOT NULL, kind TEXT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (video, kind))`,
    // Comments are counted from the log, up to a number: counted anew from its beginning.
    `ALTER TABLE ovation_videos ADD COLUMN counted BIGINT NOT NULL DEFAULT 0;
     UPDATE ovation_videos SET comments = 0`,
    // The last flush of likes that each process has carried out.
    `CREATE TABLE ovation_like_writers (writer TEXT PRIMARY KEY, number BIGINT NOT NULL, at BIGINT NOT NULL)`,
  ],
};

const COLUMNS =
  "id, title, description, live, closed, media, poster, created_at, active_at, comments, counted";

/** The file, or ":memory:". */
export function openSqliteVideoStore(options: { readonly path: string }): VideoStore {
  return createSqlVideoStore(openSqliteDatabase(options.path, SCHEMA));
}

export async function openPostgresVideoStore(options: {
  readonly url: string;
}): Promise<VideoStore> {
  return createSqlVideoStore(await openPostgresDatabase(options.url, SCHEMA));
}

function createSqlVideoStore(database: SqlDatabase): VideoStore {
  return {
    read: (ids) => readVideos(database, ids),
    async list(limit) {
      const rows = await database.run(
        `SELECT ${COLUMNS} FROM ovation_videos ORDER BY live DESC, active_at DESC, id LIMIT $1`,
        [limit],
      );
      return withLikes(database, rows);
    },
    put: (id, changes, now) =>
      database.transaction(async (runner) => {
        const [stored] = await readVideos(runner, [id]);
        const video: StoredVideo = {
          ...(stored ?? unusedVideo(id, now)),
          ...changes,
          activeAt: now,
        };
        await runner.run(
          `INSERT INTO ovation_videos (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)
           ON CONFLICT (id) DO UPDATE SET title = excluded.title, description = excluded.description, live = excluded.live,
             closed = excluded.closed, media = excluded.media, poster = excluded.poster, active_at = excluded.active_at`,
          [
            id,
            video.title,
            video.description,
            video.live ? 1 : 0,
            video.closed ? 1 : 0,
            JSON.stringify(video.media),
            video.poster,
            video.createdAt,
            now,
          ],
        );
        return video;
      }),
    addLikes: (changes, now, flush) =>
      database.transaction((runner) => addLikes(runner, changes, now, flush)),
    async count(id, { after, upTo, comments }, now) {
      const rows = await database.run(
        `INSERT INTO ovation_videos (${COLUMNS}) VALUES ($1, '', '', 1, 0, '[]', '', $2, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET comments = ovation_videos.comments + excluded.comments, counted = excluded.counted,
           active_at = excluded.active_at WHERE ovation_videos.counted = $5
         RETURNING id`,
        [id, now, comments, upTo, after],
      );
      return rows.length > 0;
    },
    close: () => database.close(),
  };
}

async function addLikes(
  runner: SqlRunner,
  changes: readonly LikesChange[],
  now: number,
  flush: FlushId,
) {
  if (changes.length === 0) return [];
  if (await isFresh(runner, flush, now)) await insertLikes(runner, changes, now);
  const totals = await readLikes(
    runner,
    changes.map(({ id }) => id),
  );
  return changes.map(({ id }) => totals.get(id) ?? {});
}

/** Locks the writer's row: the same flush again waits until the first one has committed or not. */
async function isFresh(runner: SqlRunner, { writer, number }: FlushId, now: number) {
  const rows = await runner.run(
    `INSERT INTO ovation_like_writers (writer, number, at) VALUES ($1, $2, $3)
     ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at
     WHERE ovation_like_writers.number < excluded.number RETURNING writer`,
    [writer, number, now],
  );
  return rows.length > 0;
}

async function insertLikes(runner: SqlRunner, changes: readonly LikesChange[], now: number) {
  // In one order everywhere, so that processes that add to the same videos never wait for each other in a circle.
  const ordered = [...changes].sort((a, b) => (a.id < b.id ? -1 : 1));
  await runner.run(
    `INSERT INTO ovation_videos (${COLUMNS}) VALUES ${placeholders(ordered.length, 11)}
     ON CONFLICT (id) DO UPDATE SET active_at = excluded.active_at`,
    ordered.flatMap(({ id }) => [id, "", "", 1, 0, "[]", "", now, now, 0, 0]),
  );
  const likes = ordered.flatMap(({ id, likes }) =>
    Object.entries(likes)
      .sort()
      .map(([kind, n]) => [id, kind, n] as const),
  );
  if (likes.length > 0) {
    await runner.run(
      `INSERT INTO ovation_likes (video, kind, n) VALUES ${placeholders(likes.length, 3)}
       ON CONFLICT (video, kind) DO UPDATE SET n = ovation_likes.n + excluded.n`,
      likes.flat(),
    );
  }
}

async function readVideos(
  runner: SqlRunner,
  ids: readonly string[],
): Promise<readonly (StoredVideo | undefined)[]> {
  if (ids.length === 0) return [];
  const rows = await runner.run(
    `SELECT ${COLUMNS} FROM ovation_videos WHERE id IN ${placeholders(1, ids.length)}`,
    ids,
  );
  const videos = new Map((await withLikes(runner, rows)).map((video) => [video.id, video]));
  return ids.map((id) => videos.get(id));
}

async function withLikes(
  runner: SqlRunner,
  rows: readonly SqlRow[],
): Promise<readonly StoredVideo[]> {
  const likes = await readLikes(
    runner,
    rows.map(({ id }) => textOf(id)),
  );
  return rows.map((row) => ({
    id: textOf(row.id),
    title: textOf(row.title),
    description: textOf(row.description),
    live: numberOf(row.live) !== 0,
    closed: numberOf(row.closed) !== 0,
    media: JSON.parse(textOf(row.media)) as MediaSource[],
    poster: textOf(row.poster),
    createdAt: numberOf(row.created_at),
    activeAt: numberOf(row.active_at),
    comments: Math.max(0, numberOf(row.comments)),
    counted: numberOf(row.counted),
    likes: likes.get(textOf(row.id)) ?? {},
  }));
}

async function readLikes(
  runner: SqlRunner,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, number>>>> {
  const byVideo = new Map<string, Record<string, number>>();
  if (ids.length === 0) return byVideo;
  const rows = await runner.run(
    `SELECT video, kind, n FROM ovation_likes WHERE video IN ${placeholders(1, ids.length)} ORDER BY video, kind`,
    ids,
  );
  for (const row of rows) {
    const likes = byVideo.get(textOf(row.video)) ?? {};
    likes[textOf(row.kind)] = numberOf(row.n);
    byVideo.set(textOf(row.video), likes);
  }
  return byVideo;
}
