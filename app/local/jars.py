"""Apache Kafka's jars: in the user's cache, fetched once through jgo and checked against jars.lock.

jgo writes a download to its final place while it arrives, believes it the next time, and only warns when a
checksum differs. So it works in a staging folder here, and a jar moves into the cache once its SHA-256 is
the locked one. What is in the cache is checked again at every start: 45 MB take less than a tenth of a
second.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from app.local.files import FULL, LocalBrokerError, explain, one_at_a_time

if TYPE_CHECKING:
    from pathlib import Path

    from app.local.files import Report

KAFKA_VERSION = "4.4.0"

_ATTEMPTS = 3
_AT_ONCE = 8


class Jar(NamedTuple):
    """One line of jars.lock."""

    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def filename(self) -> str:
        """The name of the file, in the repository and in the cache."""
        return f"{self.artifact}-{self.version}.jar"


@cache
def locked_jars() -> tuple[Jar, ...]:
    """All jars that the broker needs."""
    lines = files("app.local").joinpath("jars.lock").read_text(encoding="ascii").splitlines()
    digests = (line.split() for line in lines if not line.startswith("#"))
    return tuple(Jar(digest, *coordinate.split(":")) for digest, coordinate in digests)


def fetch(cache_dir: Path, report: Report, repository: str | None = None) -> list[Path]:
    """Make sure that all jars are in the cache, downloading what is missing or damaged; return their paths.

    `repository` is the address of a Maven repository; None is Maven Central.
    Blocks on the network. May be interrupted, repeated, and run by several processes at once: one downloads,
    the others wait for it. Raises LocalBrokerError when a download fails or the cache cannot be
    written.
    """
    folder = cache_dir / f"kafka-{KAFKA_VERSION}"
    try:
        if _missing(folder):
            _fill(cache_dir, folder, report, repository)
    except OSError as error:
        raise explain(error, cache_dir) from error
    return [folder / jar.filename for jar in locked_jars()]


def _fill(cache_dir: Path, folder: Path, report: Report, repository: str | None) -> None:
    """Download what is still missing once no other process is downloading."""
    waiting = "waiting for another streakline that is downloading Apache Kafka"
    with one_at_a_time(cache_dir / "kafka.lock", lambda: report(waiting, 0, 0)):
        staging = folder / "staging"
        shutil.rmtree(staging, ignore_errors=True)  # of a download that was killed
        staging.mkdir(parents=True)
        try:
            if missing := _missing(folder):
                _download(missing, folder, staging, report, repository)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _missing(folder: Path) -> list[Jar]:
    return [jar for jar in locked_jars() if not _intact(folder / jar.filename, jar.sha256)]


def _intact(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


def _download(jars: list[Jar], folder: Path, staging: Path, report: Report, repository: str | None) -> None:
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415 - part of the extra

    what = f"downloading Apache Kafka {KAFKA_VERSION}, {len(jars)} jars"
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="download")
    try:
        report(what, 0, len(jars))
        downloads = [
            pool.submit(_download_one, jar, folder, staging, repository or MAVEN_CENTRAL_URL) for jar in jars
        ]
        for done, download in enumerate(as_completed(downloads), start=1):
            download.result()
            report(what, done, len(jars))
    finally:
        # At an error or Ctrl-C, downloads that have not begun are dropped, those under way end in the
        # staging folder.
        pool.shutdown(cancel_futures=True)


def _download_one(jar: Jar, folder: Path, staging: Path, repository: str) -> None:
    from jgo.maven import MavenContext  # noqa: PLC0415 - part of the extra

    logging.getLogger("jgo").setLevel(logging.ERROR)  # its warning about a checksum becomes our error
    context = MavenContext(
        repo_cache=staging, local_repos=[], remote_repos={"central": repository}, timeout=20
    )
    reason = ""
    for _ in range(_ATTEMPTS):
        artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        if artifact.cached_path:
            artifact.cached_path.unlink(missing_ok=True)  # of the attempt before
        try:
            path: Path = artifact.resolve()
        except (OSError, RuntimeError) as error:  # OSError: all that requests raises, too
            if isinstance(error, OSError) and error.errno in FULL:
                raise
            reason = _reason(error)
            continue
        if _intact(path, jar.sha256):
            path.replace(folder / jar.filename)
            return
        reason = "what arrived is not what was published (SHA-256)"
    raise LocalBrokerError(
        f"{jar.filename} cannot be downloaded from {repository}: {reason}: "
        "check the connection, then start again; what has arrived is kept"
    )


def _reason(error: Exception) -> str:
    """Put a failed download into words: the exceptions of requests and urllib3 print their own insides."""
    if isinstance(error, RuntimeError):
        return "it is not there"
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(error).__name__
