-- What the functions of the reference return, a row for each scope, under the same names. "Today" is the UTC day.

CREATE FUNCTION streakline.today() RETURNS date LANGUAGE sql STABLE
    RETURN (now() AT TIME ZONE 'UTC')::date;

COMMENT ON FUNCTION streakline.today() IS 'The UTC day of now: days are UTC days everywhere.';

CREATE VIEW streakline.stats AS
SELECT
    c.scope,
    c.requests AS "totalRequests",
    c.tokens_saved AS "totalTokensSaved",
    c.cost_saved AS "totalCostSaved",
    c.cache_hits AS "cacheHits",
    c.semantic_hits AS "semanticHits",
    c.callers AS "uniqueCallers",
    coalesce(m.count, 0) AS "uniqueModels",
    c.races AS "raceWins",
    greatest(0, c.facts_stored - c.facts_superseded) AS "factsStored",
    -- One day of grace, and no more than 365, as in the reference.
    CASE WHEN s.last_active_day >= streakline.today() - 1 THEN least(s.last_run, 365) ELSE 0 END AS "streakDays",
    c.subscriptions_active AS "subscriptionsConfigured",
    coalesce(s.request_day_count, 0) AS "daysActive"
FROM streakline.counters c
LEFT JOIN streakline.models m USING (scope)
LEFT JOIN streakline.streaks s USING (scope);

COMMENT ON VIEW streakline.stats IS 'The twelve stats of every scope, as `GET /v1/scopes/{scope}/stats` and `streakline show` have them.';

CREATE VIEW streakline.achievements AS
SELECT
    c.scope,
    a.id,
    a.title,
    a.description,
    a.icon,
    a.category,
    u.scope IS NOT NULL AS unlocked,
    u.achieved_at AS "achievedAt",
    CASE a.measure
        WHEN 'requests' THEN c.requests
        WHEN 'tokens_saved' THEN c.tokens_saved
        WHEN 'cost_saved' THEN c.cost_saved
        WHEN 'cache_hits' THEN c.cache_hits
        WHEN 'semantic_hits' THEN c.semantic_hits
        WHEN 'callers' THEN c.callers
        WHEN 'models' THEN coalesce(m.count, 0)
        WHEN 'races' THEN c.races
        WHEN 'facts' THEN c.facts_stored
        WHEN 'longest_streak' THEN coalesce(s.longest_run, 0)
        WHEN 'subscriptions' THEN c.subscriptions_ever
    END AS value,
    a.threshold,
    a.position
FROM streakline.counters c
JOIN streakline.catalog a ON NOT a.gateway_only OR c.scope = 'gateway'
LEFT JOIN streakline.models m USING (scope)
LEFT JOIN streakline.streaks s USING (scope)
LEFT JOIN streakline.unlocks u ON u.scope = c.scope AND u.earned = 'achievement/' || a.id;

COMMENT ON VIEW streakline.achievements IS 'Every achievement of every scope: whether and since when it is unlocked, how far the scope is. In the catalog''s order by position.';

CREATE VIEW streakline.calendar AS
SELECT
    c.scope,
    each.day AS date,
    coalesce(d.requests, 0) AS count,
    coalesce(d.tokens_saved, 0) AS "tokensSaved",
    -- Quartiles of the days with requests.
    CASE
        WHEN d.requests > busy.counts[busy.n * 3 / 4 + 1] THEN 4
        WHEN d.requests > busy.counts[busy.n / 2 + 1] THEN 3
        WHEN d.requests > busy.counts[busy.n / 4 + 1] THEN 2
        WHEN d.requests > 0 THEN 1
        ELSE 0
    END AS level
FROM streakline.counters c
CROSS JOIN LATERAL (
    SELECT array_agg(requests ORDER BY requests) AS counts, count(*)::integer AS n
    FROM streakline.days
    WHERE scope = c.scope AND day BETWEEN streakline.today() - 364 AND streakline.today() AND requests > 0
) busy
CROSS JOIN LATERAL (SELECT streakline.today() - back AS day FROM generate_series(364, 0, -1) back) each
LEFT JOIN streakline.days d ON d.scope = c.scope AND d.day = each.day;

COMMENT ON VIEW streakline.calendar IS 'The last 365 days of every scope, as `GET /v1/scopes/{scope}/calendar` has them. Ask for one scope at a time.';
