/** Videos in an SQL database: an SQLite file beside the log's, or PostgreSQL. */

import {
  DatabaseDamagedError,
  damaged,
  numberOf,
  type OnDamage,
  openPostgresDatabase,
  openSqliteDatabase,
  placeholders,
  type SqlDatabase,
  type SqlRow,
  type SqlRunner,
  type SqlSchema,
  type SqlValue,
  textOf,
} from "@ovation/database";
import {
  type FlushId,
  type LikesChange,
  type MediaSource,
  type StoredVideo,
  unusedVideo,
  type VideoChanges,
  type VideoStore,
} from "./video-store.ts";

const SCHEMA: SqlSchema = {
  part: "videos",
  migrations: [
    `CREATE TABLE ovation_videos (
       id TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT NOT NULL,
        live INTEGER NOT NULL, closed INTEGER NOT NULL,
       media TEXT NOT NULL, poster TEXT NOT NULL, created_at BIGINT NOT NULL,
         active_at BIGINT NOT NULL, comments BIGINT NOT NULL
     );
     CREATE INDEX ovation_videos_by_activity ON ovation_videos (live DESC, active_at DESC);
     CREATE TABLE ovation_likes (video TEXT NOT NULL, kind TEXT NOT NULL, n BIGINT NOT NULL,
       PRIMARY KEY (video, kind))`,
    // Comments are counted from the log, up to a number: the count starts again at the beginning.
    `ALTER TABLE ovation_videos ADD COLUMN counted BIGINT NOT NULL DEFAULT 0;
     UPDATE ovation_videos SET comments = 0`,
    // The last flush of likes that each process has carried out.
    `CREATE TABLE ovation_like_writers (writer TEXT PRIMARY KEY, number BIGINT NOT NULL,
       at BIGINT NOT NULL)`,
    // A video that a host described is listed; what viewers alone made is not.
    `ALTER TABLE ovation_videos ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE ovation_videos ADD COLUMN deleted_at BIGINT;
     UPDATE ovation_videos SET listed = 1
       WHERE title <> '' OR description <> '' OR poster <> '' OR media <> '[]'
        OR live = 0 OR closed = 1;
     DROP INDEX ovation_videos_by_activity;
     CREATE INDEX ovation_videos_listed ON ovation_videos (live DESC, active_at DESC, id)
       WHERE listed = 1;
     CREATE INDEX ovation_videos_unlisted ON ovation_videos (active_at) WHERE listed = 0`,
    `CREATE INDEX ovation_videos_deleted ON ovation_videos (deleted_at)
       WHERE deleted_at IS NOT NULL`,
  ],
};

const COLUMNS =
  "id, title, description, live, closed, media, poster, created_at, active_at, comments, " +
  "counted, listed, deleted_at";
const COLUMN_COUNT = COLUMNS.split(",").length;

/** The file, or ":memory:". */
export function openSqliteVideoStore(options: {
  readonly path: string;
  readonly onDamage?: OnDamage;
}): VideoStore {
  return createSqlVideoStore(openSqliteDatabase(options.path, SCHEMA, options.onDamage));
}

export async function openPostgresVideoStore(options: {
  readonly url: string;
}): Promise<VideoStore> {
  return createSqlVideoStore(await openPostgresDatabase(options.url, SCHEMA));
}

function createSqlVideoStore(database: SqlDatabase): VideoStore {
  return {
    read: (ids, part) => readVideos(database, ids, part),
    async list(limit, from) {
      const rows = await database.select(
        "ovation_videos",
        `WHERE listed = 1 AND (live < $2
           OR (live = $2 AND (active_at < $3 OR (active_at = $3 AND id > $4))))
         ORDER BY live DESC, active_at DESC, id LIMIT $1`,
        [
          limit,
          from?.live === false ? 0 : 1,
          from?.activeAt ?? Number.MAX_SAFE_INTEGER,
          from?.id ?? "",
        ],
        // One damaged video does not take the list away.
        "leave out",
      );
      return withSoundLikes(database, rows);
    },
    put: (id, changes, now) => database.transaction((runner) => putVideo(runner, id, changes, now)),
    async markListed(id, now) {
      await database.run(
        `INSERT INTO ovation_videos (${COLUMNS}) VALUES ${placeholders(1, COLUMN_COUNT)}
         ON CONFLICT (id) DO UPDATE SET listed = 1 WHERE ovation_videos.deleted_at IS NULL`,
        rowOf({ ...unusedVideo(id, now), listed: true }),
      );
    },
    delete: (id, now) => database.transaction((runner) => deleteVideo(runner, id, now)),
    expire: (before, limit) =>
      database.transaction((runner) => expireVideos(runner, before, limit)),
    addLikes: (changes, now, flush) =>
      database.transaction((runner) => addLikes(runner, changes, now, flush)),
    async count(id, { after, upTo, comments, isTotal = false }, now) {
      const rows = await database.run(
        `INSERT INTO ovation_videos (${COLUMNS}) VALUES ($1, '', '', 1, 0, '[]', '', $2, $2, $3, $4,
           0, NULL)
         ON CONFLICT (id) DO UPDATE SET counted = excluded.counted, active_at = excluded.active_at,
           comments = excluded.comments + CASE WHEN $6 = 1 THEN 0 ELSE ovation_videos.comments END
         WHERE ovation_videos.counted = $5 AND ovation_videos.deleted_at IS NULL
         RETURNING id`,
        [id, now, comments, upTo, after, isTotal ? 1 : 0],
      );
      return rows.length > 0;
    },
    close: () => database.close(),
  };
}

async function putVideo(
  runner: SqlRunner,
  id: string,
  changes: VideoChanges,
  now: number,
): Promise<StoredVideo> {
  const [stored] = await readVideos(runner, [id]);
  const before =
    stored === undefined || stored.deletedAt !== null
      ? { ...unusedVideo(id, now), counted: stored?.counted ?? 0 }
      : stored;
  const video: StoredVideo = {
    ...before,
    ...changes,
    listed: true,
    activeAt: now,
  };
  await runner.run(
    `INSERT INTO ovation_videos (${COLUMNS}) VALUES ${placeholders(1, COLUMN_COUNT)}
     ON CONFLICT (id) DO UPDATE SET title = excluded.title, description = excluded.description,
       live = excluded.live,
       closed = excluded.closed, media = excluded.media, poster = excluded.poster,
         active_at = excluded.active_at,
       created_at = excluded.created_at, listed = 1, deleted_at = NULL`,
    rowOf(video),
  );
  return video;
}

async function deleteVideo(runner: SqlRunner, id: string, now: number): Promise<void> {
  await runner.run(
    `INSERT INTO ovation_videos (${COLUMNS}) VALUES ${placeholders(1, COLUMN_COUNT)}
     ON CONFLICT (id) DO UPDATE SET title = '', description = '', media = '[]', poster = '',
       live = 0,
       closed = 1, comments = 0, listed = 0, deleted_at = excluded.deleted_at`,
    rowOf({ ...unusedVideo(id, now), live: false, closed: true, deletedAt: now }),
  );
  await runner.run("DELETE FROM ovation_likes WHERE video = $1", [id]);
}

async function expireVideos(
  runner: SqlRunner,
  { commented, liked, deleted, writers }: Parameters<VideoStore["expire"]>[0],
  limit: number,
): Promise<readonly string[]> {
  const rows = await runner.run(
    `DELETE FROM ovation_videos WHERE id IN (
       SELECT id FROM ovation_videos WHERE listed = 0 AND deleted_at IS NULL
         AND (active_at < $1 OR (active_at < $2 AND counted = 0)) LIMIT $3)
     RETURNING id`,
    [commented, liked, limit],
  );
  if (writers !== undefined)
    await runner.run("DELETE FROM ovation_like_writers WHERE at < $1", [writers]);
  if (deleted !== undefined)
    await runner.run(
      `DELETE FROM ovation_videos WHERE id IN (
         SELECT id FROM ovation_videos WHERE deleted_at IS NOT NULL AND deleted_at < $1
         LIMIT $2)`,
      [deleted, limit],
    );
  const ids = rows.map(({ id }) => textOf(id));
  if (ids.length > 0)
    await runner.run(
      `DELETE FROM ovation_likes WHERE video IN ${placeholders(1, ids.length)}`,
      ids,
    );
  return ids;
}

/** In the order of {@link COLUMNS}. */
function rowOf(video: StoredVideo): SqlValue[] {
  return [
    video.id,
    video.title,
    video.description,
    video.live ? 1 : 0,
    video.closed ? 1 : 0,
    JSON.stringify(video.media),
    video.poster,
    video.createdAt,
    video.activeAt,
    video.comments,
    video.counted,
    video.listed ? 1 : 0,
    video.deletedAt,
  ];
}

async function addLikes(
  runner: SqlRunner,
  changes: readonly LikesChange[],
  now: number,
  flush: FlushId,
) {
  if (changes.length === 0) return [];
  const isNew = await isFresh(runner, flush, now);
  const add = async (some: readonly LikesChange[]) => {
    if (isNew) await insertLikes(runner, some, now);
    const totals = await readLikes(
      runner,
      some.map(({ id }) => id),
    );
    return some.map(({ id }) => totals.get(id) ?? {});
  };
  const whole = await unlessDamaged(runner, () => add(changes));
  if (whole !== undefined) return whole;
  const totals: (Readonly<Record<string, number>> | undefined)[] = [];
  for (const change of changes)
    totals.push((await unlessDamaged(runner, () => add([change])))?.[0]);
  return totals;
}

/** Undone, and `undefined`, where it meets a damaged row: the transaction continues without it. */
async function unlessDamaged<Result>(
  runner: SqlRunner,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  await runner.run("SAVEPOINT part");
  try {
    const result = await work();
    await runner.run("RELEASE part");
    return result;
  } catch (error) {
    if (!(error instanceof DatabaseDamagedError)) throw error;
    await runner.run("ROLLBACK TO part");
    await runner.run("RELEASE part");
    return undefined;
  }
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
  // In one order everywhere, so that processes that add to the same videos never wait for each
  // other in a circle.
  const ordered = [...changes].sort((a, b) => (a.id < b.id ? -1 : 1));
  await runner.run(
    `INSERT INTO ovation_videos (${COLUMNS}) VALUES ${placeholders(ordered.length, COLUMN_COUNT)}
     ON CONFLICT (id) DO UPDATE SET active_at = excluded.active_at
       WHERE ovation_videos.deleted_at IS NULL`,
    ordered.flatMap(({ id }) => rowOf(unusedVideo(id, now))),
  );
  const gone = await runner.run(
    `SELECT id FROM ovation_videos WHERE deleted_at IS NOT NULL
       AND id IN ${placeholders(1, ordered.length)}`,
    ordered.map(({ id }) => id),
  );
  const deleted = new Set(gone.map(({ id }) => textOf(id)));
  const counted = ordered.filter(({ id }) => !deleted.has(id));
  const likes = counted.flatMap(({ id, likes }) =>
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
  part?: "without likes",
): Promise<readonly (StoredVideo | undefined)[]> {
  if (ids.length === 0) return [];
  const rows = await runner.select(
    "ovation_videos",
    `WHERE id IN ${placeholders(1, ids.length)}`,
    ids,
  );
  const found =
    part === undefined
      ? await withLikes(runner, rows)
      : rows.map((row) => videoFrom(row, new Map()));
  const videos = new Map(found.map((video) => [video.id, video]));
  return ids.map((id) => videos.get(id));
}

/** Without the videos whose likes are damaged. */
async function withSoundLikes(
  runner: SqlRunner,
  rows: readonly SqlRow[],
): Promise<readonly StoredVideo[]> {
  try {
    return await withLikes(runner, rows);
  } catch (error) {
    if (!(error instanceof DatabaseDamagedError)) throw error;
  }
  const videos: StoredVideo[] = [];
  for (const row of rows) {
    try {
      videos.push(...(await withLikes(runner, [row])));
    } catch (error) {
      if (!(error instanceof DatabaseDamagedError)) throw error;
    }
  }
  return videos;
}

async function withLikes(
  runner: SqlRunner,
  rows: readonly SqlRow[],
): Promise<readonly StoredVideo[]> {
  const likes = await readLikes(
    runner,
    rows.map(({ id }) => textOf(id)),
  );
  return rows.map((row) => videoFrom(row, likes));
}

function videoFrom(
  row: SqlRow,
  likes: ReadonlyMap<string, Readonly<Record<string, number>>>,
): StoredVideo {
  return {
    id: textOf(row.id),
    title: textOf(row.title),
    description: textOf(row.description),
    live: numberOf(row.live) !== 0,
    closed: numberOf(row.closed) !== 0,
    media: mediaOf(textOf(row.media)),
    poster: textOf(row.poster),
    createdAt: numberOf(row.created_at),
    activeAt: numberOf(row.active_at),
    comments: Math.max(0, numberOf(row.comments)),
    counted: numberOf(row.counted),
    listed: numberOf(row.listed) !== 0,
    deletedAt: row.deleted_at === null ? null : numberOf(row.deleted_at),
    likes: likes.get(textOf(row.id)) ?? {},
  };
}

function mediaOf(text: string): readonly MediaSource[] {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged("the media of a video are no JSON");
  }
}

async function readLikes(
  runner: SqlRunner,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, number>>>> {
  const byVideo = new Map<string, Record<string, number>>();
  if (ids.length === 0) return byVideo;
  const rows = await runner.select(
    "ovation_likes",
    `WHERE video IN ${placeholders(1, ids.length)} ORDER BY video, kind`,
    ids,
  );
  for (const row of rows) {
    const likes = byVideo.get(textOf(row.video)) ?? {};
    likes[textOf(row.kind)] = numberOf(row.n);
    byVideo.set(textOf(row.video), likes);
  }
  return byVideo;
}
