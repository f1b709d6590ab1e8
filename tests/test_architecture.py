"""The rules of docs/architecture.md that no tool holds: circles, heavy imports, registers, SQL files, links."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from liqcli.core.errors import ExitCode
from liqcli.sources.header import parse_header
from liqcli.sources.registry import (
    LIVE_SOURCES,
    MARKET_SOURCES,
    POSITION_SOURCES,
    SOURCES,
    TIER_SOURCES,
    TOTALS_SOURCES,
)

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "liqcli"
SQL_FILES = sorted((PACKAGE / "query/sql").glob("*.sql"))

HEAVY = ("duckdb", "matplotlib", "pyarrow", "requests", "numpy", "rich.progress")


class Import(NamedTuple):
    """One import statement's target, and whether it is there for type checkers alone."""

    module: str
    target: str
    line: int
    typing_only: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def parse_module(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def iter_nodes(tree: ast.AST, typing_only: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Yield statements: an import is one, so that expressions need no visit."""
    bodies = (getattr(tree, name, ()) for name in ("body", "orelse", "handlers", "finalbody", "cases"))
    for node in itertools.chain.from_iterable(bodies):
        inside = typing_only or (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))
        yield node, inside
        yield from iter_nodes(node, inside)


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    found = []
    for node, typing_only in iter_nodes(parse_module(MODULES[module])):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: relative import"
            name = node.module or ""
            targets = [full if (full := f"{name}.{alias.name}") in MODULES else name for alias in node.names]
        found += [Import(module, target, node.lineno, typing_only) for target in dict.fromkeys(targets)]
    return tuple(found)


@cache
def all_imports() -> list[Import]:
    return [item for module in MODULES for item in imports_of(module)]


def show(items: list[Import]) -> str:
    return "\n".join(f"{i.module}:{i.line} imports {i.target}" for i in items)


# ---------------------------------------------------------------------------------------------------- layers


def test_no_circle() -> None:
    """A type-only import within a layer is no circle: it is gone when the program runs."""
    state: dict[str, str] = {}

    def visit(module: str, trail: tuple[str, ...]) -> None:
        if state.get(module) == "open":
            pytest.fail(f"a circle: {' -> '.join([*trail[trail.index(module) :], module])}")
        if module in state:
            return
        state[module] = "open"
        for item in imports_of(module):
            if item.target in MODULES and not item.typing_only:
                visit(item.target, (*trail, module))
        state[module] = "done"

    for module in MODULES:
        visit(module, ())


def test_pyplot_is_never_imported() -> None:
    wrong = [i for i in all_imports() if i.target.startswith("matplotlib.pyplot")]
    assert not wrong, show(wrong)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("heatmap", "--help"), ("--version",)])
def test_help_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    """In a clean interpreter; without arguments only ``liqcli.cli`` is imported. Bars are for long work alone."""
    run = "import liqcli.cli" if not arguments else "runpy.run_module('liqcli', run_name='__main__')"
    program = f"""
import runpy, sys
sys.argv = ["liqcli", *{list(arguments)!r}]
code = 0
try:
    {run}
except SystemExit as stop:
    code = stop.code
print("LOADED", sorted(set({HEAVY!r}) & set(sys.modules)), "EXIT", code or 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.splitlines()[-1:] == ["LOADED [] EXIT 0"], done.stdout + done.stderr


# ---------------------------------------------------------------------------------------------------- registers


FILE_PARSERS = (
    "liqcli.sources.binance.force_orders",
    "liqcli.ingest.files.generic_rows",
    "liqcli.sources.tardis.files",
)
MARKET_MODULES = {place.partition(":")[0] for places in MARKET_SOURCES.values() for place in places}


def test_sources_are_registered_under_their_own_names() -> None:
    """In the folder of that name; ``binance-vision`` is Binance's archive."""
    for name, module in {**SOURCES, **LIVE_SOURCES}.items():
        assert module.startswith(f"liqcli.sources.{name.partition('-')[0]}."), name


def test_every_source_is_registered() -> None:
    made = {m for m, path in MODULES.items() if re.search(r"^SOURCE\b", path.read_text(encoding="utf-8"), re.MULTILINE)}
    registers = (SOURCES, LIVE_SOURCES, TIER_SOURCES, TOTALS_SOURCES, POSITION_SOURCES)
    assert made == {*MARKET_MODULES, *(module for register in registers for module in register.values())}


@pytest.mark.parametrize("module", [*SOURCES.values(), *FILE_PARSERS, *LIVE_SOURCES.values()])
def test_source_has_header_and_tests(module: str) -> None:
    """``parse_header`` raises when a key is missing, unknown, twice or out of order; parsers of files have one too."""
    docstring = ast.get_docstring(parse_module(MODULES[module])) or ""
    assert re.match(r"[A-Z].*[.:]$", docstring.splitlines()[0])
    fixture = parse_header(docstring)["fixture"].split()[0].rstrip(",;")
    assert (ROOT / fixture).exists(), f"{module}: fixture {fixture} is not there"
    *folder, name = module.split(".")[1:]
    tests = ROOT / "tests" / "/".join(folder)
    test = tests / (f"test_{folder[1]}_{name}.py" if folder[0] == "sources" else f"test_{name}.py")
    assert test.is_file(), f"{module}: no {test.relative_to(ROOT)}"


def test_third_party_imports_are_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["spark"]]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    own = {"liqcli", *sys.stdlib_module_names}
    packages = {
        "PIL": "pillow",
        "pyspark": "pyspark-client",
        "grpc": "grpcio",
    }  # those that are not called as they are imported
    wrong = [
        i
        for i in all_imports()
        if (top := i.target.split(".")[0]) not in own and canonicalize_name(packages.get(top, top)) not in declared
    ]
    assert not wrong, show(wrong)


def test_pins_are_plain_and_fit_the_ranges() -> None:
    """``name==version`` lines and nothing else (no host, no option), one for every direct dependency, in range."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9A-Za-z.]*", line) for line in pins)
    assert pins == sorted(set(pins), key=lambda line: line.split("==")[0])
    versions = dict(line.split("==") for line in pins)
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*pyproject["project"]["dependencies"], *pyproject["project"]["optional-dependencies"]["dev"]]
    for requirement in map(Requirement, [*wanted, *pyproject["build-system"]["requires"]]):
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), str(requirement)


# ---------------------------------------------------------------------------------------------------- SQL

HEADER_KEYS = ("reads", "param", "gives", "order")
_PARAM = re.compile(r"^\$([a-z_0-9]+) +(BIGINT|INTEGER|DOUBLE|VARCHAR|BOOLEAN) +\S")


def read_sql_header(path: Path) -> dict[str, list[str]]:
    """The ``-- key   text`` lines of a SQL file: key -> texts."""
    header: dict[str, list[str]] = {key: [] for key in HEADER_KEYS}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("--"):
            break
        if match := re.match(rf"^-- ({'|'.join(HEADER_KEYS)})  +(\S.*)$", line):
            header[match[1]].append(match[2])
    return header


def statement_of(path: Path) -> str:
    """The statement without comments and without what stands in quotes."""
    bare = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    return re.sub(r"'[^']*'", "''", bare).strip()


def final_order(statement: str) -> list[str] | None:
    """The columns of the outermost, last ORDER BY, or None."""
    outer, depth = "", 0
    for character in statement:
        depth += character == "("
        outer += character if depth == 0 else " "
        depth -= character == ")"
    clause = re.search(r"\bORDER\s+BY\s+([^()]*)\Z", outer, re.IGNORECASE)
    if not clause or re.search(r"\b(SELECT|FROM|WHERE|GROUP|LIMIT)\b", clause[1], re.IGNORECASE):
        return None
    return [" ".join(column.split()) for column in clause[1].split(",")]


@pytest.mark.parametrize("path", SQL_FILES, ids=lambda path: path.stem)
def test_sql_header_is_true(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert re.match(r"^-- [A-Z].*[.:]$", first), "the first line says in a sentence what the query is for"
    header = read_sql_header(path)
    for key in ("reads", "gives", "order"):
        assert len(header[key]) == 1, f"{key}: stands {len(header[key])} times"
    params = [match[1] for text in header["param"] if (match := _PARAM.match(text))]
    assert len(params) == len(header["param"]), f"write: -- param   $name   TYPE   meaning; found {header['param']}"
    assert sorted(params) == sorted(set(re.findall(r"\$([a-z_0-9]+)", statement_of(path))))


@pytest.mark.parametrize("path", SQL_FILES, ids=lambda path: path.stem)
def test_sql_ends_in_the_order_it_states(path: Path) -> None:
    stated = read_sql_header(path)["order"][0]
    actual = final_order(statement_of(path))
    if stated.startswith("none ("):
        assert actual is None, "the header says there is no order"
        return
    assert actual, "ends in no ORDER BY"
    if not stated.startswith("every column"):
        assert [column.strip() for column in stated.split("   (")[0].split(",")] == actual


NAMED = {
    "liqcli.ingest.files.sqlite_rows": ("'SELECT * FROM",),
    "liqcli.query.database": (
        "f\"ATTACH ':memory:' AS {self._catalog}\"",
        "f'USE {self._catalog}'",
        "f'DETACH {self._catalog}'",
    ),
    "liqcli.query.spark_engine": ("translated.text",),  # of read_query
}


def test_sql_lives_in_files() -> None:
    """What is executed comes from ``read_query`` or from a plain constant; no program text is put together."""
    wrong = []
    for module, path in MODULES.items():
        for node in ast.walk(parse_module(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in ("execute", "executemany", "sql", "query", "from_query") and node.args:
                text = node.args[0]
                read = isinstance(text, ast.Call) and ast.unparse(text.func) == "read_query"
                # Names cannot be bound: a table of SQLite, and the catalog of a connection.
                named = ast.unparse(text).startswith(NAMED.get(module, ()))
                users = (
                    module in ("liqcli.query.duckdb_engine", "liqcli.cli.sql") and ast.unparse(text) == "statement"
                )  # what a user wrote, in liqcli sql
                if not read and not named and not users and not isinstance(text, ast.Constant):
                    wrong.append(f"{module}:{node.lineno} {ast.unparse(node)[:80]}")
    assert not wrong, "\n".join(wrong)


def test_every_query_is_used() -> None:
    words = set()
    for path in MODULES.values():
        for node in ast.walk(parse_module(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
    assert {path.stem for path in SQL_FILES} <= words


# ---------------------------------------------------------------------------------------------------- documents


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        assert file.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors_of(file), f"{page.name}: {target}"


def test_code_points_at_anchors_that_exist() -> None:
    units = anchors_of(ROOT / "docs/units.md")
    for module, path in MODULES.items():
        for anchor in re.findall(r"docs/units\.md#([\w-]+)", path.read_text(encoding="utf-8")):
            assert anchor in units, f"{module}: docs/units.md#{anchor}"


def test_every_exit_code_has_its_sentence() -> None:
    page = (ROOT / "docs/units.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| (\d+) \| [A-Z].*\. \|$", page.partition("## Exit codes")[2], re.MULTILINE)
    assert [int(code) for code in documented] == [code.value for code in ExitCode]
