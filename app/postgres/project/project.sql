-- What `streakline project` says to PostgreSQL. Rows come by COPY into a temporary table, and each table takes
-- them in one statement. Within a transaction a row comes once.

-- name: lock
SELECT pg_try_advisory_lock(hashtextextended('streakline: project', 0));

-- name: ping
SELECT 1;

-- name: create_incoming
CREATE TEMPORARY TABLE incoming_offsets (
    topic text, partition integer, expected bigint, next_offset bigint, newest_at timestamptz
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE incoming_counters (LIKE streakline.counters) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE incoming_levels (LIKE streakline.levels) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE incoming_models (scope text, names text[]) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE incoming_streaks (LIKE streakline.streaks) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE incoming_days (LIKE streakline.days) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE incoming_unlocks (
    scope text, earned text, event_id text, achieved_at timestamptz, recorded_at timestamptz,
    cause_topic text, cause_partition integer, cause_offset bigint, cause_id text
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE incoming_shares (LIKE streakline.shares) ON COMMIT DELETE ROWS;

-- name: read_offsets
SELECT topic, partition, next_offset, newest_at FROM streakline.offsets;

-- name: read_shares
SELECT changelog, partition, key, value FROM streakline.shares;

-- name: insert_offset
INSERT INTO streakline.offsets (topic, partition, next_offset) VALUES (%s, %s, 0);

-- name: take_offsets
-- Only where they still are what this projector has left: of two, one changes no row and is told so.
UPDATE streakline.offsets o
SET next_offset = i.next_offset, newest_at = i.newest_at
FROM incoming_offsets i
WHERE o.topic = i.topic AND o.partition = i.partition AND o.next_offset = i.expected;

-- name: take_counters
INSERT INTO streakline.counters AS c SELECT * FROM incoming_counters
ON CONFLICT (scope) DO UPDATE SET
    requests = excluded.requests,
    tokens_saved = excluded.tokens_saved,
    cost_saved = excluded.cost_saved,
    cache_hits = excluded.cache_hits,
    semantic_hits = excluded.semantic_hits,
    callers = excluded.callers,
    races = excluded.races,
    facts_stored = excluded.facts_stored,
    facts_superseded = excluded.facts_superseded,
    subscriptions_active = excluded.subscriptions_active,
    subscriptions_ever = excluded.subscriptions_ever,
    newest_event_at = excluded.newest_event_at;

-- name: take_levels
-- Most rows are as they were: they are left alone. LATERAL with a LIMIT keeps the planner at one look into the
-- index for each row, whatever it thinks of a temporary table.
INSERT INTO streakline.levels
SELECT i.*
FROM incoming_levels i
LEFT JOIN LATERAL (SELECT l.* FROM streakline.levels l WHERE l.scope = i.scope LIMIT 1) l ON true
WHERE (l.level, l.xp, l.xp_for_next_level) IS DISTINCT FROM (i.level, i.xp, i.xp_for_next_level)
ON CONFLICT (scope) DO UPDATE SET
    level = excluded.level, xp = excluded.xp, xp_for_next_level = excluded.xp_for_next_level;

-- name: take_models
INSERT INTO streakline.models (scope, names) SELECT scope, names FROM incoming_models
ON CONFLICT (scope) DO UPDATE SET names = excluded.names;

-- name: take_streaks
INSERT INTO streakline.streaks SELECT * FROM incoming_streaks
ON CONFLICT (scope) DO UPDATE SET
    last_active_day = excluded.last_active_day,
    last_run = excluded.last_run,
    longest_run = excluded.longest_run,
    active_day_count = excluded.active_day_count,
    request_day_count = excluded.request_day_count,
    active_days = excluded.active_days,
    request_days = excluded.request_days;

-- name: take_days
-- As with levels: of a month that is not remembered all days come, and most are as they were.
INSERT INTO streakline.days
SELECT i.*
FROM incoming_days i
LEFT JOIN LATERAL (
    SELECT d.* FROM streakline.days d WHERE d.scope = i.scope AND d.day = i.day LIMIT 1
) d ON true
WHERE (d.requests, d.tokens_saved, d.cost_saved) IS DISTINCT FROM (i.requests, i.tokens_saved, i.cost_saved)
ON CONFLICT (scope, day) DO UPDATE SET
    requests = excluded.requests, tokens_saved = excluded.tokens_saved, cost_saved = excluded.cost_saved;

-- name: take_unlocks
INSERT INTO streakline.unlocks (
    scope, earned, event_id, achieved_at, recorded_at, cause_topic, cause_partition, cause_offset, cause_id
)
SELECT
    scope, earned, event_id, achieved_at, recorded_at, cause_topic, cause_partition, cause_offset, cause_id
FROM incoming_unlocks
ON CONFLICT (scope, earned) DO UPDATE SET
    event_id = excluded.event_id,
    achieved_at = excluded.achieved_at,
    recorded_at = excluded.recorded_at,
    cause_topic = excluded.cause_topic,
    cause_partition = excluded.cause_partition,
    cause_offset = excluded.cause_offset,
    cause_id = excluded.cause_id;

-- name: take_shares
INSERT INTO streakline.shares SELECT * FROM incoming_shares
ON CONFLICT (changelog, partition, key) DO UPDATE SET value = excluded.value;

-- name: delete_counters
DELETE FROM streakline.counters WHERE scope = %s;

-- name: delete_levels
DELETE FROM streakline.levels WHERE scope = %s;

-- name: delete_models
DELETE FROM streakline.models WHERE scope = %s;

-- name: delete_streaks
DELETE FROM streakline.streaks WHERE scope = %s;

-- name: delete_days
DELETE FROM streakline.days WHERE scope = %s AND date_trunc('month', day) = %s::date;

-- name: delete_unlocks
DELETE FROM streakline.unlocks WHERE scope = %s AND earned = %s;

-- name: empty_tables
TRUNCATE
    streakline.counters, streakline.levels, streakline.models, streakline.streaks, streakline.days,
    streakline.unlocks, streakline.shares, streakline.offsets;

-- name: empty_catalog
DELETE FROM streakline.catalog;

-- name: insert_achievement
INSERT INTO streakline.catalog (
    id, position, title, description, icon, category, measure, threshold, gateway_only
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s);
