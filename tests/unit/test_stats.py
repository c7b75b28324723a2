import msgspec

from app.domain.stats import Stats


def test_stats_have_the_names_of_the_contract() -> None:
    """In JSON the twelve stats have the names and the order of the reference."""
    assert list(msgspec.to_builtins(Stats())) == [
        "totalRequests",
        "totalTokensSaved",
        "totalCostSaved",
        "cacheHits",
        "semanticHits",
        "uniqueCallers",
        "uniqueModels",
        "raceWins",
        "factsStored",
        "streakDays",
        "subscriptionsConfigured",
        "daysActive",
    ]


def test_stats_begin_at_nothing() -> None:
    """All stats of a new scope are 0."""
    assert set(msgspec.structs.astuple(Stats())) == {0}
