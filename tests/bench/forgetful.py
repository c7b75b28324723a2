"""A copy of streakline that remembers no identities, compiled where this one is."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from tests.bench.subjects.python_programs import ROOT
from tests.bench.surroundings import BenchError

PACKAGES: Final = ("app", "agents", "tables")
INSTEAD: Final = ROOT / "tests" / "bench" / "forgetful_seen.py"


@cache
def program(folder: Path, *, compiled: bool) -> tuple[str, ...]:
    """Make the copy below ``folder``; return the command that runs its worker. Compiling takes half a minute."""
    copy = folder / "forgetful"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy)
    shutil.copy(INSTEAD, copy / "tables" / "seen.py")
    if compiled:
        _compile(copy)
    code = f"import sys; sys.path.insert(0, {str(copy)!r}); from app.cli import main; main()"
    return (sys.executable, "-c", code, "worker")


def _compile(copy: Path) -> None:
    built = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
        cwd=copy,
        env={**os.environ, "STREAKLINE_COMPILE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        raise BenchError(f"a worker without identities could not be compiled:\n{built.stdout}{built.stderr}")
