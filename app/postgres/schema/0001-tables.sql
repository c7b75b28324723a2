-- The tables that `streakline project` keeps equal to the changelogs. Nothing else writes to them.

COMMENT ON SCHEMA streakline IS
    'Streaks, achievements and levels, kept equal to streakline''s changelogs by `streakline project`. Read only: what is written here by hand is overwritten or wrong.';

-- Rows change in place as long as no index knows what changed and their page has room: hence the fillfactors.

CREATE TABLE streakline.counters (
    scope text PRIMARY KEY,
    requests bigint NOT NULL,
    tokens_saved bigint NOT NULL,
    cost_saved numeric(38, 9) NOT NULL,
    cache_hits bigint NOT NULL,
    semantic_hits bigint NOT NULL,
    callers bigint NOT NULL,
    races bigint NOT NULL,
    facts_stored bigint NOT NULL,
    facts_superseded bigint NOT NULL,
    subscriptions_active bigint NOT NULL,
    subscriptions_ever bigint NOT NULL,
    newest_event_at timestamptz
) WITH (fillfactor = 70);

COMMENT ON TABLE streakline.counters IS 'The sums of every scope.';
COMMENT ON COLUMN streakline.counters.scope IS '`gateway`, or `caller:<caller_id>`. A character NUL, which text cannot hold, is written ␀0, and ␀ as ␀␀.';
COMMENT ON COLUMN streakline.counters.requests IS 'Requests that were routed.';
COMMENT ON COLUMN streakline.counters.tokens_saved IS 'Tokens saved by cache hits and MCP calls; the gateway''s begins at its opening balance (STREAKLINE_BASELINE).';
COMMENT ON COLUMN streakline.counters.cost_saved IS 'US dollars saved by cache hits, exact to the nano-dollar; the gateway''s begins at its opening balance (STREAKLINE_BASELINE).';
COMMENT ON COLUMN streakline.counters.cache_hits IS 'Cache hits, exact and semantic.';
COMMENT ON COLUMN streakline.counters.semantic_hits IS 'Cache hits of similar requests.';
COMMENT ON COLUMN streakline.counters.callers IS 'Distinct callers with a request; 0 or 1 for a caller.';
COMMENT ON COLUMN streakline.counters.races IS 'Distinct races.';
COMMENT ON COLUMN streakline.counters.facts_stored IS 'Facts ever stored.';
COMMENT ON COLUMN streakline.counters.facts_superseded IS 'Facts that were superseded; those that hold are facts_stored minus these, never below 0.';
COMMENT ON COLUMN streakline.counters.subscriptions_active IS 'Subscriptions that are active; gateway only, 0 for a caller.';
COMMENT ON COLUMN streakline.counters.subscriptions_ever IS 'Subscriptions that were ever active, which wallet-pro is decided on; gateway only, 0 for a caller.';
COMMENT ON COLUMN streakline.counters.newest_event_at IS 'The newest event time that was counted; gateway only, null for a caller.';

CREATE TABLE streakline.models (
    scope text PRIMARY KEY,
    names text[] NOT NULL,
    count integer NOT NULL GENERATED ALWAYS AS (cardinality(names)) STORED
) WITH (fillfactor = 70);

COMMENT ON TABLE streakline.models IS 'The models that a scope was routed through; no row where there was none.';
COMMENT ON COLUMN streakline.models.scope IS 'As in counters.';
COMMENT ON COLUMN streakline.models.names IS 'Their names in alphabetical order, at most 10,000 for a caller.';
COMMENT ON COLUMN streakline.models.count IS 'How many they are.';

CREATE TABLE streakline.days (
    scope text NOT NULL,
    day date NOT NULL,
    requests bigint NOT NULL,
    tokens_saved bigint NOT NULL,
    cost_saved numeric(38, 9) NOT NULL,
    PRIMARY KEY (scope, day)
) WITH (fillfactor = 70);

CREATE INDEX days_by_day ON streakline.days (day);

COMMENT ON TABLE streakline.days IS 'What happened on each day; no row for a day without a request or a cache hit.';
COMMENT ON COLUMN streakline.days.scope IS 'As in counters.';
COMMENT ON COLUMN streakline.days.day IS 'The UTC day of the events'' own time.';
COMMENT ON COLUMN streakline.days.requests IS 'Requests of the day.';
COMMENT ON COLUMN streakline.days.tokens_saved IS 'Tokens that cache hits of the day saved.';
COMMENT ON COLUMN streakline.days.cost_saved IS 'US dollars that cache hits of the day saved.';

CREATE TABLE streakline.streaks (
    scope text PRIMARY KEY,
    last_active_day date,
    last_run integer NOT NULL,
    longest_run integer NOT NULL,
    active_day_count integer NOT NULL,
    request_day_count integer NOT NULL,
    active_days datemultirange NOT NULL,
    request_days datemultirange NOT NULL
) WITH (fillfactor = 70);

COMMENT ON TABLE streakline.streaks IS 'The active days of a scope and the runs of consecutive days in them; no row where there was none.';
COMMENT ON COLUMN streakline.streaks.scope IS 'As in counters.';
COMMENT ON COLUMN streakline.streaks.last_active_day IS 'The newest active day.';
COMMENT ON COLUMN streakline.streaks.last_run IS 'Days of the run that ends on last_active_day. It is the current streak where that day is today (UTC), yesterday or later; the view stats says so.';
COMMENT ON COLUMN streakline.streaks.longest_run IS 'Days of the longest run ever.';
COMMENT ON COLUMN streakline.streaks.active_day_count IS 'How many days are active.';
COMMENT ON COLUMN streakline.streaks.request_day_count IS 'How many days have a request.';
COMMENT ON COLUMN streakline.streaks.active_days IS 'The active days, those with a request or an MCP call, as runs: `active_days @> current_date`, or `unnest(active_days)` for one row per run.';
COMMENT ON COLUMN streakline.streaks.request_days IS 'The days with a request.';

CREATE TABLE streakline.levels (
    scope text PRIMARY KEY,
    level integer NOT NULL,
    xp bigint NOT NULL,
    xp_for_next_level bigint NOT NULL
) WITH (fillfactor = 70);

COMMENT ON TABLE streakline.levels IS 'The level of every scope.';
COMMENT ON COLUMN streakline.levels.scope IS 'As in counters.';
COMMENT ON COLUMN streakline.levels.level IS 'The highest level that was reached; it never falls. When: unlocks, earned = ''level''.';
COMMENT ON COLUMN streakline.levels.xp IS 'Experience points.';
COMMENT ON COLUMN streakline.levels.xp_for_next_level IS 'The points of the next level.';

CREATE TABLE streakline.unlocks (
    scope text NOT NULL,
    earned text NOT NULL,
    kind text NOT NULL GENERATED ALWAYS AS (split_part(earned, '/', 1)) STORED,
    name text GENERATED ALWAYS AS (nullif(split_part(earned, '/', 2), '')) STORED,
    stage integer GENERATED ALWAYS AS (nullif(split_part(earned, '/', 3), '')::integer) STORED,
    event_id text NOT NULL,
    achieved_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    cause_topic text,
    cause_partition integer,
    cause_offset bigint,
    cause_id text,
    PRIMARY KEY (scope, earned)
);

CREATE INDEX unlocks_by_time ON streakline.unlocks (achieved_at);

COMMENT ON TABLE streakline.unlocks IS 'What every scope has earned and when: once, for good.';
COMMENT ON COLUMN streakline.unlocks.scope IS 'As in counters.';
COMMENT ON COLUMN streakline.unlocks.earned IS 'achievement/<id>, level (the row of the highest one), or stage/<species>/<index>.';
COMMENT ON COLUMN streakline.unlocks.kind IS 'achievement, level or stage.';
COMMENT ON COLUMN streakline.unlocks.name IS 'The id of the achievement or of the species.';
COMMENT ON COLUMN streakline.unlocks.stage IS 'The index of a species'' stage; 0 is its unlocking.';
COMMENT ON COLUMN streakline.unlocks.event_id IS 'The identity of the message that was published (ce_id).';
COMMENT ON COLUMN streakline.unlocks.achieved_at IS 'The time of the event that did it.';
COMMENT ON COLUMN streakline.unlocks.recorded_at IS 'When the worker recorded it.';
COMMENT ON COLUMN streakline.unlocks.cause_topic IS 'Where the event that did it was read; null for the gateway, which is merged from shares.';
COMMENT ON COLUMN streakline.unlocks.cause_partition IS 'Its partition.';
COMMENT ON COLUMN streakline.unlocks.cause_offset IS 'Its offset.';
COMMENT ON COLUMN streakline.unlocks.cause_id IS 'Its identity.';

CREATE TABLE streakline.catalog (
    id text PRIMARY KEY,
    position integer NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    icon text NOT NULL,
    category text NOT NULL,
    measure text NOT NULL,
    threshold numeric NOT NULL,
    gateway_only boolean NOT NULL
);

COMMENT ON TABLE streakline.catalog IS 'The achievements of this release; written whenever `streakline project` starts.';
COMMENT ON COLUMN streakline.catalog.id IS 'The achievement''s id, as unlocks.name has it.';
COMMENT ON COLUMN streakline.catalog.position IS 'Its place in the catalog''s order.';
COMMENT ON COLUMN streakline.catalog.title IS 'Its title.';
COMMENT ON COLUMN streakline.catalog.description IS 'What it is for.';
COMMENT ON COLUMN streakline.catalog.icon IS 'An emoji.';
COMMENT ON COLUMN streakline.catalog.category IS 'The group that a dashboard shows it in.';
COMMENT ON COLUMN streakline.catalog.measure IS 'The quantity that it is decided on.';
COMMENT ON COLUMN streakline.catalog.threshold IS 'From which value on; US dollars for cost_saved.';
COMMENT ON COLUMN streakline.catalog.gateway_only IS 'Whether no caller can earn it.';

CREATE TABLE streakline.shares (
    changelog text NOT NULL,
    partition integer NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (changelog, partition, key)
) WITH (fillfactor = 70);

COMMENT ON TABLE streakline.shares IS 'The rows of the changelogs that the gateway''s scope is merged from, as they are: for `streakline project`, which merges them again where it starts.';
COMMENT ON COLUMN streakline.shares.changelog IS 'The table of the changelog.';
COMMENT ON COLUMN streakline.shares.partition IS 'Its partition.';
COMMENT ON COLUMN streakline.shares.key IS 'The row''s key.';
COMMENT ON COLUMN streakline.shares.value IS 'The row, MessagePack.';

CREATE TABLE streakline.offsets (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    newest_at timestamptz,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 70);

COMMENT ON TABLE streakline.offsets IS 'Up to where each changelog is in the tables: written in the transaction that writes its rows.';
COMMENT ON COLUMN streakline.offsets.topic IS 'The full name of the changelog.';
COMMENT ON COLUMN streakline.offsets.partition IS 'Its partition.';
COMMENT ON COLUMN streakline.offsets.next_offset IS 'The offset to read next.';
COMMENT ON COLUMN streakline.offsets.newest_at IS 'The newest timestamp in Kafka of what was read; null where nothing was.';
