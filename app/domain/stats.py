"""The twelve stats of a scope, as a dashboard sees them."""

import msgspec


class Stats(msgspec.Struct, rename="camel", gc=False):
    """The reference's Stats. Unlike Measures, some may fall: the streak breaks, facts are superseded."""

    total_requests: int = 0
    #: By cache hits and by MCP calls.
    total_tokens_saved: int = 0
    #: Dollars, by cache hits.
    total_cost_saved: float = 0.0
    cache_hits: int = 0
    semantic_hits: int = 0
    unique_callers: int = 0
    unique_models: int = 0
    #: Distinct races.
    race_wins: int = 0
    #: Stored minus superseded, never below 0.
    facts_stored: int = 0
    #: Days of the current streak: active days up to today, with one day of grace.
    streak_days: int = 0
    #: Distinct active subscriptions; always 0 for a caller.
    subscriptions_configured: int = 0
    #: Distinct days with a request.
    days_active: int = 0
