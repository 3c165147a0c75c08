/** How many events of each type retention has dropped: the table, and the functions that drop. */

export const TALLIES = `
  CREATE TABLE ovation_log.dropped (
    topic bigint NOT NULL,
    type integer NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (topic, type)
  );

  -- Events of the topic below "until" go, and are counted. The caller holds the topic's row.
  CREATE FUNCTION ovation_log.drop_events(wanted bigint, until bigint) RETURNS void
  LANGUAGE plpgsql AS $$
  BEGIN
    WITH gone AS (
      DELETE FROM ovation_log.events WHERE topic = wanted AND seq < until RETURNING type
    )
    INSERT INTO ovation_log.dropped AS d (topic, type, n)
      SELECT wanted, type, count(*) FROM gone GROUP BY type
      ON CONFLICT (topic, type) DO UPDATE SET n = d.n + excluded.n;
    UPDATE ovation_log.topics SET first = until, first_stamp = coalesce(
      (SELECT stamp FROM ovation_log.events WHERE topic = wanted AND seq = until), first_stamp)
      WHERE id = wanted;
  END $$;

  CREATE OR REPLACE FUNCTION ovation_log.trim_topic(
    wanted bigint, events_max bigint, stamp_min bigint, max_dropped integer
  ) RETURNS integer LANGUAGE plpgsql AS $$
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
    PERFORM ovation_log.drop_events(wanted, until);
    RETURN until - t.first;
  END $$;

  -- What went of a topic that was cleared does not count.
  CREATE OR REPLACE FUNCTION ovation_log.clear_topic(wanted text, below bigint, max_dropped integer)
  RETURNS integer LANGUAGE plpgsql AS $$
  DECLARE
    t ovation_log.topics;
    until bigint;
  BEGIN
    SELECT * INTO t FROM ovation_log.topics WHERE name = wanted FOR UPDATE;
    IF NOT FOUND THEN RETURN 0; END IF;
    until := least(below, t.seq + 1, t.first + max_dropped);
    IF until > t.first THEN PERFORM ovation_log.drop_events(t.id, until); END IF;
    DELETE FROM ovation_log.dropped WHERE topic = t.id;
    RETURN greatest(until - t.first, 0);
  END $$;
`;
