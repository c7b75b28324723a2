"""The last step of the demo for PostgreSQL: tables that SQL can ask, kept by `streakline project`."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection
from rich.table import Table
from rich.text import Text

from app.postgres.project.projector import project
from app.view.words import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.local.demo_screen import DemoScreen
    from app.local.files import Report
    from app.settings import Settings

_QUERY = """\
SELECT scope, level, "totalRequests", "totalTokensSaved", "streakDays"
FROM streakline.stats JOIN streakline.levels USING (scope)
ORDER BY "totalTokensSaved" DESC LIMIT 5"""

_HEADERS = ("scope", "level", "totalRequests", "totalTokensSaved", "streakDays")


async def show_tables(settings: Settings, url: str, screen: DemoScreen, report: Report) -> None:
    """Fill the tables once, and show a query of them with its answer."""
    said: list[str] = []
    await project(
        settings, asyncio.Event(), lambda: nullcontext(report), said.append, rebuild=False, once=True
    )
    screen.step(f"streakline project: {said[-1]}")
    async with await AsyncConnection.connect(url) as connection:
        found = await (await connection.execute(_QUERY)).fetchall()
    screen.show(
        _table(found), "\n".join([*_QUERY.splitlines(), *("  ".join(map(str, row)) for row in found)])
    )


def _table(found: Sequence[tuple[Any, ...]]) -> Table:
    table = Table(
        box=None, padding=(0, 2), header_style="bold", title=Text(_QUERY, "grey50"), title_justify="left"
    )
    for position, name in enumerate(_HEADERS):
        table.add_column(name, justify="right" if position else "left")
    for scope, *numbers in found:
        table.add_row(scope, *map(number, numbers))
    return table
