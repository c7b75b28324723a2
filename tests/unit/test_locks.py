from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def locked(name: str) -> dict[str, str]:
    """Return the versions of a lock by package."""
    lines = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), flags=re.MULTILINE)
    return {canonicalize_name(package): version for package, version in lines}


def asked_for(*, extras: bool) -> list[Requirement]:
    """Return what pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = [each for extra in project["optional-dependencies"].values() for each in extra]
    return [Requirement(each) for each in project["dependencies"] + (optional if extras else [])]


@pytest.mark.parametrize(("lock", "extras"), [("requirements.lock", True), ("requirements.prod.lock", False)])
def test_a_lock_has_all_that_is_asked_for(lock: str, extras: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Each dependency of pyproject.toml is locked, in a version that it allows."""
    versions = locked(lock)
    missing = [
        str(each)
        for each in asked_for(extras=extras)
        if not each.specifier.contains(versions.get(canonicalize_name(each.name), "0"))
    ]
    assert missing == []


@pytest.mark.parametrize("lock", [path.name for path in ROOT.glob("requirements*.lock")])
def test_a_lock_names_no_index(lock: str) -> None:
    """Whoever installs brings an index of their own."""
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "--index-url" not in text


def test_the_locks_agree() -> None:
    """What production runs is what is tested."""
    tested, runs = locked("requirements.lock"), locked("requirements.prod.lock")
    assert {name: version for name, version in runs.items() if tested.get(name) != version} == {}
