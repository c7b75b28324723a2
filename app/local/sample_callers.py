"""Who uses the gateway of the sample traffic: people, teams and bots, each with habits of its own."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

#: When somebody is at work: on working days, every day, every night, or now and then.
Rhythm: TypeAlias = Literal["office", "daily", "nightly", "bursts"]

#: Models with their price in dollars for a million tokens, and how often they are chosen.
MODELS: Final = {
    "claude-sonnet-4-5": (9.0, 30),
    "gpt-5-mini": (1.2, 24),
    "claude-haiku-4-5": (3.0, 16),
    "gemini-2.5-flash": (1.4, 12),
    "gpt-5": (6.0, 9),
    "llama-3.3-70b": (0.8, 5),
    "mistral-large": (4.0, 3),
    "claude-opus-4-1": (45.0, 1),
}

TOOLS: Final = ("read_file", "search_code", "list_tree", "run_tests", "fetch_page", "query_db")

#: Subscriptions: when each is configured or dropped, in days after the first.
SUBSCRIPTIONS: Final = (
    ("anthropic-team", 0, True),
    ("openai-business", 3, True),
    ("gemini-trial", 8, True),
    ("mistral-pro", 16, True),
    ("gemini-trial", 22, False),
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller and its habits: requests on a usual day, and shares of them between 0 and 1."""

    id: str
    rhythm: Rhythm
    requests: float
    #: How many of the requests are answered from the cache.
    cached: float
    #: How many MCP calls come with a request.
    tools: float = 0.0
    #: How many of the requests are races.
    races: float = 0.0
    #: How many of the models it uses, from the most popular on.
    models: int = 4
    #: The first day, in days after the first of all, and the last.
    since: int = 0
    until: int = 1_000_000


# fmt: off
CALLERS: Final = (
    Caller("support-bot", "daily", 84, 0.44, models=3),
    Caller("ci-reviewer", "office", 78, 0.24, tools=0.30, models=4),
    Caller("docs-search", "daily", 46, 0.52, models=2),
    Caller("nightly-evals", "nightly", 44, 0.12, races=0.05, models=8),
    Caller("team-checkout", "office", 30, 0.30, tools=0.10, models=5),
    Caller("release-notes-bot", "bursts", 40, 0.20, tools=0.20, models=3),
    Caller("team-search", "office", 26, 0.26, tools=0.20, races=0.01, models=6),
    Caller("oncall-copilot", "daily", 14, 0.20, tools=0.60, models=4),
    Caller("ada", "daily", 17, 0.24, tools=0.80, races=0.02, models=7),
    Caller("team-payments", "office", 17, 0.34, models=3),
    Caller("grace", "office", 16, 0.18, tools=0.70, races=0.03, models=6),
    Caller("translation-bot", "daily", 12, 0.46, models=2),
    Caller("linus", "office", 13, 0.10, tools=1.20, models=4),
    Caller("margaret", "office", 12, 0.22, tools=0.50, races=0.01, models=5),
    Caller("team-growth", "bursts", 22, 0.30, models=4),
    Caller("sql-helper", "office", 10, 0.36, tools=0.40, models=2),
    Caller("hedy", "daily", 7, 0.16, tools=0.40, races=0.04, models=8),
    Caller("alan", "office", 9, 0.14, tools=0.30, models=4),
    Caller("barbara", "office", 8, 0.24, tools=0.20, models=5),
    Caller("onboarding-bot", "office", 7, 0.50, models=2, since=9),
    Caller("team-mobile", "office", 9, 0.20, tools=0.10, models=4, since=5),
    Caller("donald", "bursts", 9, 0.08, tools=0.90, models=3),
    Caller("katherine", "office", 6, 0.20, tools=0.30, races=0.02, models=5),
    Caller("incident-scribe", "bursts", 14, 0.10, tools=0.10, models=2),
    Caller("edsger", "bursts", 5, 0.04, models=1),
    Caller("radia", "office", 5, 0.16, tools=0.40, models=4),
    Caller("team-legal", "bursts", 7, 0.30, models=2),
    Caller("ken", "bursts", 5, 0.06, tools=0.60, models=3),
    Caller("dennis", "bursts", 4, 0.08, tools=0.50, models=3, until=30),
    Caller("intern-summer", "office", 6, 0.12, tools=0.20, models=6, until=24),
    Caller("frances", "bursts", 3, 0.10, tools=0.30, models=2, since=14),
    Caller("playground", "bursts", 3, 0.05, models=8),
    Caller("tim", "bursts", 2, 0.02, tools=0.40, models=2, since=18),
    Caller("adele", "bursts", 2, 0.02, tools=0.50, models=2, since=26),
    Caller("vint", "bursts", 1, 0.0, models=1, since=31),
    Caller("new-hire", "office", 4, 0.05, tools=0.30, models=2, since=39),
)
# fmt: on
