from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

import app.engine

ROOT = Path(__file__).parents[2]
OURS = ("app", "agents", "tables")

#: What the modules of a package may import beside the standard library and their own package (or module).
ALLOWED = {
    "app.domain": {"msgspec", "librt", "mypy_extensions"},
    "app.engine": {
        "faust",
        "mode",
        "aiokafka",
        "google_crc32c",
        "msgspec",
        "librt",
        "mypy_extensions",
    },
    "tables": {
        "msgspec",
        "xxhash",
        "librt",
        "mypy_extensions",
        "app.domain",
        "app.engine.fold",
        "app.engine.record",
        "app.topics",
    },
    "agents": {
        "tables",
        "app.domain",
        "app.engine.app",
        "app.engine.batches",
        "app.engine.fold",
        "app.topics",
    },
    # What names the topics is below what folds them: it may know the words of the rules and the settings.
    "app.topics": {"app.domain", "app.settings"},
    "app.settings": {"app.errors"},
    "app.errors": set[str](),
}


def modules() -> list[str]:
    """Return the dotted names of all modules of the three packages."""
    files = [path for package in OURS for path in (ROOT / package).rglob("*.py")]
    return sorted(name_of(path) for path in files)


def name_of(path: Path) -> str:
    """Return the dotted name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def file_of(module: str) -> Path:
    """Return the file of a module."""
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports_of(module: str) -> set[str]:
    """Return every module that a module imports, at its top or anywhere in it, for types or for use."""
    path = file_of(module)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    known = set(modules())
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            # `from app.domain import events` imports app.domain.events, `from app.domain.events import x` not more.
            names = {f"{source}.{alias.name}" for alias in node.names}
            found |= (names & known) or {source}
            found |= {source} if names - known else set()
    return found


def is_within(module: str, package: str) -> bool:
    """Say whether a module is a package or in it."""
    return module == package or module.startswith(f"{package}.")


def layer_of(module: str) -> str | None:
    """Return the most exact key of ALLOWED that a module belongs to."""
    layers = [layer for layer in ALLOWED if is_within(module, layer)]
    return max(layers, key=len, default=None)


def is_standard(module: str) -> bool:
    """Say whether a module comes with Python."""
    return module.partition(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("module", [each for each in modules() if layer_of(each)])
def test_imports_go_one_way(module: str) -> None:
    """The rules know nothing else, the tables know the rules, the agents know the tables, the engine knows no rule."""
    layer = layer_of(module)
    assert layer is not None
    allowed = {layer, *ALLOWED[layer]}
    wrong = [
        each
        for each in imports_of(module)
        if not is_standard(each) and not any(is_within(each, package) for package in allowed)
    ]
    assert wrong == []


#: Nothing in the rules may read a clock, chance, the environment, files or the network.
IMPURE = {
    "asyncio",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "time",
    "uuid",
}


@pytest.mark.parametrize("module", [each for each in modules() if layer_of(each) in {"app.domain", "tables"}])
def test_the_rules_are_pure(module: str) -> None:
    """Rules and tables do no I/O and ask no clock: time comes in as an argument."""
    assert not {each.partition(".")[0] for each in imports_of(module)} & IMPURE
    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(file_of(module).read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not calls & {"now", "utcnow", "today"}


@pytest.mark.parametrize("module", ["tests.chaos.recount", "tests.support.recount"])
def test_a_judge_shares_no_code_with_the_product(module: str) -> None:
    """What counts again to judge the product imports the standard library and the other recount, nothing else."""
    assert not [
        each for each in imports_of(module) if not is_standard(each) and each != "tests.support.recount"
    ]


def test_agents_do_not_wait() -> None:
    """What an agent does with a batch is pure Python: no await inside."""
    for module in modules():
        if layer_of(module) in {"agents", "tables"}:
            tree = ast.parse(file_of(module).read_text())
            assert not [node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFunctionDef)]


def test_only_the_factory_knows_all() -> None:
    """One composition root: nothing but the factory and what a user starts imports the agents."""
    importers = {
        module
        for module in modules()
        if not is_within(module, "agents") and any(is_within(each, "agents") for each in imports_of(module))
    }
    assert importers == {"app.factory"}


def test_only_the_engine_knows_faust() -> None:
    """Faust is met in the engine, in the worker that starts it, and nowhere else."""
    importers = {
        module
        for module in modules()
        if not is_within(module, "app.engine")
        and any(is_within(each, "faust") for each in imports_of(module))
    }
    assert importers <= {"app.worker"}


def test_the_reading_order_is_complete() -> None:
    """The map at the top of the engine names every one of its files, and no other."""
    assert app.engine.__doc__ is not None
    named = set(re.findall(r"``(\w+\.py)``", app.engine.__doc__))
    files = {path.name for path in (ROOT / "app/engine").glob("*.py")} - {"__init__.py"}
    assert named == files


def test_the_imports_are_seen() -> None:
    """The parser of these tests finds imports for types, imports in functions and modules of packages."""
    assert "app.engine.tasks" in imports_of("app.engine.batches")  # for types only
    assert "app.worker" in imports_of("app.cli.worker")  # in a function
    assert "tables.counters" in imports_of("tables.partition")  # from tables import counters
    assert layer_of("app.engine.fold") == "app.engine"
    assert layer_of("app.factory") is None
