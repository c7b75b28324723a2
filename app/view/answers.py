"""The bodies that are no scope's own: the leaderboard and the catalog. Pure."""

import msgspec

from app.domain.achievements import ACHIEVEMENTS, GATEWAY_ONLY
from app.domain.buddy import shown_species
from app.domain.levels import xp_from
from app.domain.measures import MeasureName
from app.domain.money import to_dollars
from app.domain.species import RARITY_ORDER, SPECIES, Rarity, Species
from app.view.scope_view import Badge
from app.view.standings import RankedBy
from app.view.state import ViewState
from tables.publishing import scope_name


class Leader(msgspec.Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """A caller in a ranking; ``value`` is what it is ranked by."""

    rank: int
    scope: str
    caller: str
    value: int | float
    level: int
    xp: int
    tokens_saved: int
    #: Dollars.
    cost_saved: float
    species: str
    species_id: str
    stage: str


class CatalogEntry(Badge, frozen=True, rename="camel", kw_only=True, gc=False):
    """An achievement, what it takes (dollars where money is meant, else a count), and who has it."""

    measure: MeasureName
    threshold: int | float
    gateway_only: bool
    #: Scopes that hold it, and their share of the scopes that can, 0 to 1.
    holders: int
    share: float


class Catalog(msgspec.Struct, frozen=True):
    """The reference's GAMIFICATION_CATALOG under its names, and how many scopes there are."""

    species: tuple[Species, ...] = msgspec.field(name="PET_SPECIES")
    achievements: tuple[CatalogEntry, ...] = msgspec.field(name="ACHIEVEMENTS")
    rarity_order: dict[Rarity, int] = msgspec.field(name="RARITY_ORDER")
    #: The callers, and the gateway.
    scopes: int


def leaderboard(state: ViewState, by: RankedBy, limit: int) -> list[Leader]:
    """Return the first callers of a ranking."""
    places = state.standings.first(by, limit)
    return [_leader(state, rank, *place) for rank, place in enumerate(places, start=1)]


def _leader(state: ViewState, rank: int, caller: str, value: float) -> Leader:
    row = state.counters_of(caller)
    species, stage = shown_species(row.held)
    return Leader(
        rank=rank,
        scope=scope_name(caller),
        caller=caller,
        value=value,
        level=row.held.level,
        xp=xp_from(row.tokens_saved, row.cache_hits, row.races, row.facts_stored),
        tokens_saved=row.tokens_saved,
        cost_saved=to_dollars(row.cost_saved),
        species=species.name,
        species_id=species.id,
        stage=species.stages[stage].name,
    )


def catalog(state: ViewState) -> Catalog:
    """Return everything that can be earned, and how many have it."""
    entries = []
    for each in ACHIEVEMENTS:
        holders, could = state.holders(each)
        entries.append(
            CatalogEntry(
                id=each.id,
                title=each.title,
                description=each.description,
                icon=each.icon,
                category=each.category,
                measure=each.measure,
                threshold=to_dollars(each.threshold) if each.measure == "cost_saved" else each.threshold,
                gateway_only=each.id in GATEWAY_ONLY,
                holders=holders,
                share=holders / could,
            )
        )
    return Catalog(SPECIES, tuple(entries), RARITY_ORDER, 1 + state.callers)
