"""What ``pip install .`` compiles: nothing, or the hot path to machine code with STREAKLINE_COMPILE=1.

It is the same source either way; mypyc and a C compiler are needed for the second. ``make compiled`` does it
in place.
"""

import os

from setuptools import setup

#: What an event passes through. Modules that define msgspec structs are not among them: mypyc would drop what
#: msgspec reads of their annotations. Nor is one that divides integers into a float: compiled, that is not
#: rounded correctly.
HOT = [
    "agents/cache_hits.py",
    "agents/facts.py",
    "agents/mcp_calls.py",
    "agents/races.py",
    "agents/requests.py",
    "agents/subscriptions.py",
    "app/domain/achievements.py",
    "app/domain/counted.py",
    "app/domain/earned.py",
    "app/domain/encoded.py",
    "app/domain/goals.py",
    "app/domain/levels.py",
    "app/domain/measures.py",
    "app/domain/murmur.py",
    "app/domain/occasions.py",
    "app/domain/progress.py",
    "app/domain/quick.py",
    "app/domain/shapes/scan.py",
    "app/domain/shapes/shape.py",
    "app/domain/shapes/times.py",
    "app/domain/streaks.py",
    "app/domain/unearned.py",
    "app/engine/record.py",
    "app/engine/record_batch.py",
    "app/engine/record_writer.py",
    "tables/activity.py",
    "tables/cells.py",
    "tables/dates.py",
    "tables/model_set.py",
    "tables/packed.py",
    "tables/partition.py",
    "tables/publishing.py",
    "tables/rows.py",
    "tables/scope.py",
    "tables/seen.py",
]


def extensions() -> list[object]:
    """Return what is to be compiled."""
    if os.environ.get("STREAKLINE_COMPILE") != "1":
        return []
    from mypyc.build import mypycify  # noqa: PLC0415 - a plain install has no mypyc

    return list(mypycify(HOT, opt_level="3"))


setup(ext_modules=extensions())
