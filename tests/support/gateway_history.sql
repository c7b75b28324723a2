-- A gateway's history with all that is awkward in one. %(count)s rows, the same for the same count but for the clock.
-- hashint8 is chance that stays: h(n, salt) is (hashint8(n * 31 + salt) & 2147483647).

-- name: requests
INSERT INTO request_tracking (
    request_id, caller_id, model, status, tokens_in, tokens_out, cost_usd, latency_ms, fallback_used, created_at
)
SELECT
    'req-' || n,
    'caller-' || (hashint8(n * 31 + 1) & 2147483647) %% 1700,
    -- The same models in other case are other models, for the rescan too.
    (ARRAY['gpt-4o', 'GPT-4o', 'claude-3-5-sonnet', 'Claude-3-5-Sonnet', 'llama-3', 'mistral'])[
        1 + (hashint8(n * 31 + 2) & 2147483647) %% 6
    ],
    CASE WHEN n %% 50 = 0 THEN 'error' ELSE 'ok' END,
    nullif((hashint8(n * 31 + 3) & 2147483647) %% 4000, 0),
    CASE WHEN n %% 11 <> 0 THEN (hashint8(n * 31 + 4) & 2147483647) %% 1000 END,
    CASE WHEN n %% 13 <> 0 THEN (hashint8(n * 31 + 5) & 2147483647)::numeric / 10000000000 END,
    CASE WHEN n %% 17 <> 0 THEN (hashint8(n * 31 + 6) & 2147483647) %% 3000 END,
    CASE n %% 3 WHEN 0 THEN TRUE WHEN 1 THEN FALSE END,
    CASE n %% 100
        -- The last and the first moment of a day of UTC; said in zones where it is another day.
        WHEN 1 THEN date_trunc('day', now()) - make_interval(days => (n %% 300)::int) - interval '1 microsecond'
        WHEN 2 THEN date_trunc('day', now()) - make_interval(days => (n %% 300)::int)
        WHEN 3 THEN timestamp '2024-02-29 00:00:00' AT TIME ZONE 'UTC' + make_interval(secs => n %% 86400)
        WHEN 4 THEN timestamptz '2024-03-01 08:59:59.999999+09:00'
        WHEN 5 THEN timestamptz '2024-02-28 19:00:00-05:00'
        ELSE now() - make_interval(secs => 400 * 86400 * (hashint8(n * 31 + 7) & 2147483647)::float / 2147483648)
    END
FROM generate_series(1, %(count)s::bigint) AS n;

-- name: cache
INSERT INTO response_cache (cache_key, model, hit_count, tokens_saved, cost_saved, created_at, last_hit_at)
SELECT
    'key/' || n,
    CASE WHEN n %% 7 <> 0 THEN 'gpt-4o' END,
    CASE WHEN n %% 19 = 0 THEN 0 ELSE 1 + (hashint8(n * 31 + 1) & 2147483647) %% 40 END,
    CASE WHEN n %% 19 = 0 THEN NULL ELSE (hashint8(n * 31 + 2) & 2147483647) %% 90000 END,
    -- Ten decimals: one more than a nano-dollar has.
    CASE WHEN n %% 19 = 0 THEN 0 ELSE (hashint8(n * 31 + 3) & 2147483647)::numeric / 10000000000 END,
    now() - interval '500 days',
    CASE WHEN n %% 19 <> 0
        THEN now() - make_interval(secs => 400 * 86400 * (hashint8(n * 31 + 4) & 2147483647)::float / 2147483648)
    END
FROM generate_series(1, %(count)s::bigint) AS n;

-- name: mcp_calls
INSERT INTO mcp_tool_calls (caller_id, tool, tokens_saved, created_at)
SELECT
    CASE WHEN n %% 5 <> 0 THEN 'caller-' || n %% 900 END,
    CASE WHEN n %% 9 <> 0 THEN 'search' END,
    CASE WHEN n %% 4 <> 0 THEN (hashint8(n * 31 + 1) & 2147483647) %% 500 END,
    now() - make_interval(secs => 500 * 86400 * (hashint8(n * 31 + 2) & 2147483647)::float / 2147483648)
FROM generate_series(1, %(count)s::bigint) AS n;

-- name: races
INSERT INTO race_mode_results (call_id, model, caller_id, winner_model, created_at)
SELECT 'race-' || n, model, 'caller-' || n %% 70, 'gpt-4o', now() - make_interval(hours => n::int %% 9000)
FROM generate_series(1, %(count)s::bigint) AS n, unnest(ARRAY['gpt-4o', 'llama-3', 'mistral']) AS model;

-- name: facts
INSERT INTO caller_knowledge (fact_id, caller_id, superseded_by, created_at)
SELECT
    'fact-' || n,
    CASE WHEN n %% 6 <> 0 THEN 'caller-' || n %% 70 END,
    CASE WHEN n %% 3 = 0 THEN 'fact-' || n + 1 END,
    now() - make_interval(hours => n::int %% 9000)
FROM generate_series(1, %(count)s::bigint) AS n;

-- name: subscriptions
INSERT INTO subscription_quota_window (subscription_id, window_start)
SELECT 'sub-' || n %% 4, date_trunc('day', now()) - make_interval(days => n::int)
FROM generate_series(1, %(count)s::bigint) AS n;

-- name: rows_that_break_the_contract
INSERT INTO request_tracking (request_id, caller_id, model, status, tokens_in, created_at) VALUES
('bad-caller', NULL, 'gpt-4o', 'ok', 1, now() - interval '3 days'),
('bad-model', 'caller-1', NULL, 'ok', 1, now() - interval '3 days'),
('bad-status', 'caller-1', 'gpt-4o', '', 1, now() - interval '4 days'),
('bad-tokens', 'caller-1', 'gpt-4o', 'ok', -1, now() - interval '5 days'),
('bad-time', 'caller-1', 'gpt-4o', 'ok', 1, NULL),
('bad-long', repeat('x', 201), 'gpt-4o', 'ok', 1, now() - interval '900 days');
INSERT INTO response_cache (cache_key, hit_count, tokens_saved, cost_saved, created_at, last_hit_at) VALUES
('bad-cost', 1, 10, -1, now(), now() - interval '2 days'),
('bad-hits', -5, 10, 1, now(), now() - interval '2 days');
INSERT INTO mcp_tool_calls (caller_id, tool, tokens_saved, created_at) VALUES
('caller-1', '', 7, now() - interval '450 days');
