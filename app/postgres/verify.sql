-- The rescan's own queries, as gamification.ts has them: `gatherStats` and `getCalendarHeatmap`. {with} is empty, or
-- puts a table without the rows that the import refused in the place of the table itself.

-- name: stats
{with} SELECT
(SELECT COUNT(*)::INT FROM request_tracking) AS total_req,
(SELECT COUNT(DISTINCT caller_id)::INT FROM request_tracking) AS uniq_callers,
(SELECT COUNT(DISTINCT model)::INT FROM request_tracking) AS uniq_models,
(SELECT COUNT(DISTINCT DATE(created_at))::INT FROM request_tracking) AS days_active,
(SELECT COALESCE(SUM(hit_count), 0)::INT FROM response_cache) AS cache_hits,
(SELECT COALESCE(SUM(tokens_saved), 0)::BIGINT FROM response_cache)
+ COALESCE((SELECT SUM(tokens_saved)::BIGINT FROM mcp_tool_calls), 0) AS tokens_saved,
(SELECT COALESCE(SUM(cost_saved), 0)::NUMERIC FROM response_cache) AS cost_saved

-- name: races_and_facts
{with} SELECT COUNT(DISTINCT call_id)::INT AS races, COUNT(*)::INT AS facts
FROM (SELECT call_id FROM race_mode_results) a, (SELECT * FROM caller_knowledge LIMIT 1) b

-- name: facts
{with} SELECT COUNT(*)::INT AS n FROM caller_knowledge WHERE superseded_by IS NULL

-- name: subscriptions
{with} SELECT COUNT(DISTINCT subscription_id)::INT AS n FROM subscription_quota_window

-- name: days
{with} SELECT DISTINCT day FROM (
SELECT DATE(created_at) AS day FROM request_tracking
UNION
SELECT DATE(created_at) AS day FROM mcp_tool_calls
) all_days
ORDER BY day DESC
LIMIT 365

-- name: calendar
WITH gs AS (
SELECT (CURRENT_DATE - s)::DATE AS day FROM generate_series(0, %(days)s - 1) s
)
SELECT
gs.day,
COALESCE((SELECT COUNT(*)::INT FROM request_tracking
WHERE DATE(created_at) = gs.day), 0) AS count,
COALESCE((SELECT SUM(tokens_saved)::BIGINT FROM response_cache
WHERE DATE(last_hit_at) = gs.day), 0) AS tokens_saved
FROM gs
ORDER BY gs.day ASC

-- What explains a difference; not the rescan's.

-- name: calendar_without_refused
{with} SELECT DATE(created_at), COUNT(*), 0 FROM request_tracking GROUP BY 1
UNION ALL
SELECT DATE(last_hit_at), 0, SUM(tokens_saved)::BIGINT FROM response_cache GROUP BY 1

-- name: cache_tokens
{with} SELECT COALESCE(SUM(tokens_saved), 0)::BIGINT FROM response_cache

-- name: races_alone
{with} SELECT COUNT(DISTINCT call_id)::INT FROM race_mode_results

-- name: amounts_that_are_rounded
SELECT COUNT(*) FROM response_cache WHERE cost_saved <> ROUND(cost_saved::NUMERIC, 9)

-- name: without_refused
{table} AS (SELECT * FROM {schema}.{table} t WHERE jsonb_build_array({key}) <> ALL({keys}::jsonb[]))

-- name: schema
SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%(table)s)

-- name: moment
SELECT CURRENT_DATE, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
