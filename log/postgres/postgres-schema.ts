/**
 * The tables and functions of the log in PostgreSQL, in a schema of their own, as numbered
 * migrations.
 *
 * An append is one call of `ovation_log.append_group` (`postgres-append-function.ts`): one way
 * there and back, so that the row lock of a hot topic is held for the work and the commit alone. It
 * locks the topics in the order of their names (two groups that share topics wait for each other,
 * never both), and everything after that sees what the group before it committed, since each
 * statement of a function has a snapshot of its own.
 */

import { APPEND_GROUP } from "./postgres-append-function.ts";
import { TALLIES } from "./postgres-tallies.ts";

/**
 * Migration `n` is the element `n - 1`. What has been released is never changed, only followed by
 * another one.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE ovation_log.lives (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    epoch text NOT NULL UNIQUE,
    identity text NOT NULL UNIQUE,
    system_identifier bigint NOT NULL,
    timeline text NOT NULL,
    stamp bigint NOT NULL
  );
  CREATE TABLE ovation_log.types (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
  );
  CREATE TABLE ovation_log.topics (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    seq bigint NOT NULL,
    first bigint NOT NULL,
    stamp bigint NOT NULL,
    first_stamp bigint NOT NULL,
    life integer NOT NULL
  ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
  CREATE INDEX topics_by_stamp ON ovation_log.topics (stamp);
  CREATE TABLE ovation_log.events (
    topic bigint NOT NULL,
    seq bigint NOT NULL,
    type integer NOT NULL,
    at bigint NOT NULL,
    stamp bigint NOT NULL,
    life integer NOT NULL,
    data text NOT NULL,
    PRIMARY KEY (topic, seq)
  );
  CREATE INDEX events_by_type ON ovation_log.events (topic, type, seq);
  CREATE TABLE ovation_log.keys (
    topic bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    stamp bigint NOT NULL,
    life integer NOT NULL,
    PRIMARY KEY (topic, key)
  );
  CREATE INDEX keys_by_stamp ON ovation_log.keys (stamp);

  CREATE FUNCTION ovation_log.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

  -- An epoch is one run of one server over one set of tables. A restored or promoted server has
  -- another start, a restored dump other tables: what is appended afterwards has another name.
  CREATE FUNCTION ovation_log.begin_life(candidate text, now bigint, OUT life integer,
    OUT epoch text) LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  DECLARE
    present text := concat_ws('/', extract(epoch FROM pg_postmaster_start_time()),
      (SELECT oid FROM pg_database WHERE datname = current_database()),
        'ovation_log.events'::regclass::oid);
  BEGIN
    SELECT l.id, l.epoch INTO life, epoch FROM ovation_log.lives l WHERE l.identity = present;
    IF FOUND THEN RETURN; END IF;
    INSERT INTO ovation_log.lives (epoch, identity, system_identifier, timeline, stamp)
      SELECT candidate, present, system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8),
        now FROM pg_control_system()
      ON CONFLICT (identity) DO NOTHING;
    SELECT l.id, l.epoch INTO STRICT life, epoch FROM ovation_log.lives l
      WHERE l.identity = present;
  END $$;

  -- entries: [{"topic","type","at","data","key"?,"replaceSeq"?,"replaceData"?}, …]; a row for
  -- each, in order.
  -- The planner has no choice: every join here is a look-up by index, whatever the statistics say.
  CREATE FUNCTION ovation_log.append(candidate text, entries json)
  RETURNS TABLE (seq double precision, epoch text, stamp double precision, at double precision,
    duplicate boolean, type text, data text)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan SET jit = off
  AS $$
  #variable_conflict use_column
  DECLARE
    present bigint;
    this_life integer;
    places json;
  BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
      PERFORM set_config('synchronous_commit', 'on', true); END IF;
    SELECT b.life INTO this_life FROM ovation_log.begin_life(candidate, ovation_log.now_ms()) b;
    INSERT INTO ovation_log.types (name)
      SELECT DISTINCT e.type FROM json_to_recordset(entries) AS e (type text)
      WHERE NOT EXISTS (SELECT FROM ovation_log.types y WHERE y.name = e.type)
      ORDER BY 1 ON CONFLICT DO NOTHING;
    INSERT INTO ovation_log.topics (name, seq, first, stamp, first_stamp, life)
      SELECT DISTINCT e.topic COLLATE "C", 0, 1, 0, 0, this_life
        FROM json_to_recordset(entries) AS e (topic text)
      WHERE NOT EXISTS (SELECT FROM ovation_log.topics t WHERE t.name = e.topic)
      ORDER BY 1 ON CONFLICT DO NOTHING;
    PERFORM FROM ovation_log.topics t
      WHERE t.name IN (SELECT e.topic FROM json_to_recordset(entries) AS e (topic text))
      ORDER BY t.name FOR UPDATE;
    -- Above everything committed, so that stamps do not decrease when the server's clock does.
    SELECT greatest(ovation_log.now_ms(), coalesce(max(t.stamp), 0) + 1) INTO present
      FROM ovation_log.topics t;

    WITH entry AS MATERIALIZED (
      SELECT e.ord, t.id AS topic, t.seq AS head, y.id AS type, e.at, e.data, e.key,
        (SELECT k.seq FROM ovation_log.keys k WHERE k.topic = t.id AND k.key = e.key) AS known,
        CASE WHEN e.key IS NULL THEN 1
          ELSE row_number() OVER (PARTITION BY t.id, e.key ORDER BY e.ord) END AS nth
      FROM (
        SELECT r.*, row_number() OVER () AS ord
        FROM json_to_recordset(entries) AS r (topic text, type text, at bigint, data text, key text)
      ) e
      JOIN ovation_log.topics t ON t.name = e.topic
      JOIN ovation_log.types y ON y.name = e.type
    ), counted AS (
      SELECT *, known IS NOT NULL OR nth > 1 AS duplicate,
        head + count(*) FILTER (WHERE known IS NULL AND nth = 1) OVER (PARTITION BY topic
          ORDER BY ord) AS running
      FROM entry
    ), placed AS MATERIALIZED (
      SELECT *, CASE WHEN known IS NOT NULL THEN known
        WHEN key IS NULL THEN running
        ELSE first_value(running) OVER (PARTITION BY topic, key ORDER BY ord) END AS seq
      FROM counted
    ), inserted AS (
      INSERT INTO ovation_log.events (topic, seq, type, at, stamp, life, data)
      SELECT topic, seq, type, at, present, this_life, data FROM placed WHERE NOT duplicate
        ORDER BY ord
    ), keyed AS (
      INSERT INTO ovation_log.keys (topic, key, seq, at, stamp, life)
      SELECT topic, key, seq, at, present, this_life FROM placed WHERE NOT duplicate
        AND key IS NOT NULL
    ), grown AS (
      UPDATE ovation_log.topics t
      SET seq = p.seq, stamp = present, life = this_life,
        first_stamp = CASE WHEN t.first > t.seq THEN present ELSE t.first_stamp END
      FROM (SELECT topic, max(seq) AS seq FROM placed WHERE NOT duplicate GROUP BY topic) p
      WHERE t.id = p.topic
    )
    SELECT json_agg(json_build_object('ord', ord, 'topic', topic, 'seq', seq, 'key', key,
      'duplicate', duplicate) ORDER BY ord)
      INTO places FROM placed;

    -- The last of several replacements stands, as if each had run after the other.
    IF EXISTS (SELECT FROM json_to_recordset(entries) AS r ("replaceSeq" bigint)
      WHERE r."replaceSeq" IS NOT NULL) THEN
      UPDATE ovation_log.events v SET data = r.data FROM (
        SELECT DISTINCT ON (p.topic, e."replaceSeq") p.topic, e."replaceSeq" AS seq,
          e."replaceData" AS data
        FROM ROWS FROM (
          json_to_recordset(entries) AS ("replaceSeq" bigint, "replaceData" text),
          json_to_recordset(places) AS (topic bigint, seq bigint, duplicate boolean, ord bigint)
        ) AS e ("replaceSeq", "replaceData", topic, seq, duplicate, ord)
        CROSS JOIN LATERAL (SELECT e.topic) p
        WHERE NOT e.duplicate AND e."replaceSeq" < e.seq
        ORDER BY p.topic, e."replaceSeq", e.ord DESC
      ) r WHERE v.topic = r.topic AND v.seq = r.seq;
    END IF;

    RETURN QUERY
      SELECT p.seq::double precision, l.epoch, coalesce(v.stamp, k.stamp)::double precision,
        coalesce(v.at, k.at)::double precision,
        p.duplicate, CASE WHEN p.duplicate THEN y.name END, CASE WHEN p.duplicate THEN v.data END
      FROM json_to_recordset(places)
        AS p (ord bigint, topic bigint, seq bigint, key text, duplicate boolean)
      LEFT JOIN ovation_log.events v ON v.topic = p.topic AND v.seq = p.seq
      LEFT JOIN ovation_log.types y ON y.id = v.type
      LEFT JOIN ovation_log.keys k ON k.topic = p.topic AND k.key = p.key
      LEFT JOIN ovation_log.lives l ON l.id = coalesce(v.life, k.life)
      ORDER BY p.ord;
  END $$;

  -- The newest number with a stamp not after the one asked for, by bisection: stamps rise with
  -- the numbers.
  CREATE FUNCTION ovation_log.seq_at(wanted_topic bigint,
    wanted_stamp bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
  DECLARE
    kept bigint;
    newer bigint;
    middle bigint;
    found bigint;
  BEGIN
    SELECT first - 1, seq + 1 INTO kept, newer FROM ovation_log.topics WHERE id = wanted_topic;
    WHILE newer - kept > 1 LOOP
      middle := (kept + newer) / 2;
      SELECT stamp INTO found FROM ovation_log.events WHERE topic = wanted_topic AND seq = middle;
      IF coalesce(found, 0) <= wanted_stamp THEN kept := middle; ELSE newer := middle; END IF;
    END LOOP;
    RETURN kept;
  END $$;

  -- Drops at most max_dropped events that are beyond the newest events_max or older than
  -- stamp_min; returns how many.
  CREATE FUNCTION ovation_log.trim_topic(wanted bigint, events_max bigint, stamp_min bigint,
    max_dropped integer) RETURNS integer
  LANGUAGE plpgsql AS $$
  DECLARE
    t ovation_log.topics;
    beyond bigint;
    aged bigint;
    until bigint;
  BEGIN
    SELECT * INTO t FROM ovation_log.topics WHERE id = wanted FOR UPDATE;
    beyond := least(t.first + max_dropped, t.seq + 1);
    SELECT min(seq) INTO aged FROM ovation_log.events
      WHERE topic = wanted AND seq >= t.first AND seq < beyond AND stamp >= stamp_min;
    until := least(greatest(t.seq - events_max + 1, coalesce(aged, beyond)), beyond);
    IF until <= t.first THEN RETURN 0; END IF;
    DELETE FROM ovation_log.events WHERE topic = wanted AND seq < until;
    UPDATE ovation_log.topics SET first = until,
      first_stamp = coalesce((SELECT stamp FROM ovation_log.events WHERE topic = wanted
        AND seq = until), first_stamp)
      WHERE id = wanted;
    RETURN until - t.first;
  END $$;
  `,
  APPEND_GROUP,
  `
  -- The process that does the upkeep of the installation (retention), until then unless it asks
  -- again.
  CREATE TABLE ovation_log.upkeep (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    holder text NOT NULL,
    until bigint NOT NULL
  );
  `,
  `
  -- Drops events of a topic below a number, at most max_dropped: for a topic that was deleted.
  CREATE FUNCTION ovation_log.clear_topic(wanted text, below bigint,
    max_dropped integer) RETURNS integer
  LANGUAGE plpgsql AS $$
  DECLARE
    t ovation_log.topics;
    until bigint;
  BEGIN
    SELECT * INTO t FROM ovation_log.topics WHERE name = wanted FOR UPDATE;
    IF NOT FOUND THEN RETURN 0; END IF;
    until := least(below, t.seq + 1, t.first + max_dropped);
    IF until <= t.first THEN RETURN 0; END IF;
    DELETE FROM ovation_log.events WHERE topic = t.id AND seq < until;
    UPDATE ovation_log.topics SET first = until,
      first_stamp = coalesce((SELECT stamp FROM ovation_log.events WHERE topic = t.id
        AND seq = until), first_stamp)
      WHERE id = t.id;
    RETURN until - t.first;
  END $$;
  `,
  `
  -- An epoch's stamp is the newest one of the epochs before it: where these ended. All appends in
  -- them have ended with their server, and none has begun in this one yet.
  CREATE OR REPLACE FUNCTION ovation_log.begin_life(candidate text, now bigint, OUT life integer,
    OUT epoch text)
  LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  DECLARE
    present text := concat_ws('/', extract(epoch FROM pg_postmaster_start_time()),
      (SELECT oid FROM pg_database WHERE datname = current_database()),
        'ovation_log.events'::regclass::oid);
  BEGIN
    SELECT l.id, l.epoch INTO life, epoch FROM ovation_log.lives l WHERE l.identity = present;
    IF FOUND THEN RETURN; END IF;
    INSERT INTO ovation_log.lives (epoch, identity, system_identifier, timeline, stamp)
      SELECT candidate, present, system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8),
        (SELECT coalesce(max(t.stamp), 0) FROM ovation_log.topics t)
      FROM pg_control_system()
      ON CONFLICT (identity) DO NOTHING;
    SELECT l.id, l.epoch INTO STRICT life, epoch FROM ovation_log.lives l
      WHERE l.identity = present;
  END $$;
  `,
  TALLIES,
];

/** Held while migrations run, so that processes that start together do it once. */
export const MIGRATION_LOCK = 0x4f766174;
