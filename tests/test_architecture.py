"""The rules of docs/design.md that a reader would otherwise have to remember: rooms, layers, registers, SQL files."""

from __future__ import annotations

import ast
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

from liqcli.errors import ExitCode
from liqcli.live_sources import LIVE_SOURCES
from liqcli.sources import SOURCES
from liqcli.sources.header import parse_header

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "liqcli"
SQL_FILES = sorted((PACKAGE / "sql").glob("*.sql"))

# From the door down to the nouns. A room may use its own layer and those below it; a new module is entered here.
LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "__main__",
        "cli",
        "report findings views api charts analysis poster render export outputs command overlay overlay_compact album"
        " reading inline fetcher recorder importer import_formats import_intake import_ledger import_market"
        " import_progress import_refusals import_table market_columns market_rows embedded demo daily"
        " schedule",
        "sources market_sources live_sources engine",
        "lake staging merge http line guard body pace rate_store reach"
        " file_kinds file_rows csv_layout sqlite_rows records"
        " column_names market_data market_merge",
        "model formats errors config settings setting_values sql intervals coverage symbols timespan time_cells"
        " amounts expiry instruments resources words partition atomic clock __init__",
    )
)
# What a room may not touch, not even by way of another room that it imports.
FORBIDDEN = {
    "sources": {"duckdb", "matplotlib"},
    "analysis": {"requests", "matplotlib"},
    "charts": {"duckdb", "requests"},
}
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


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def layer_of(module: str) -> int:
    for depth, rooms in enumerate(LAYERS):
        if room_of(module) in rooms:
            return depth
    pytest.fail(f"{module}: no layer; enter {room_of(module)!r} in LAYERS of tests/test_architecture.py")


def iter_nodes(tree: ast.AST, typing_only: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    for node in ast.iter_child_nodes(tree):
        inside = typing_only or (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))
        yield node, inside
        yield from iter_nodes(node, inside)


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    found = []
    if module == "liqcli":  # loads the API when somebody uses one of its names, never on import
        return ()
    for node, typing_only in iter_nodes(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: relative import"
            name = node.module or ""
            targets = [full if (full := f"{name}.{alias.name}") in MODULES else name for alias in node.names]
        found += [Import(module, target, node.lineno, typing_only) for target in dict.fromkeys(targets)]
    return tuple(found)


ALL_IMPORTS = [item for module in MODULES for item in imports_of(module)]


def show(items: list[Import]) -> str:
    return "\n".join(f"{i.module}:{i.line} imports {i.target}" for i in items)


# ---------------------------------------------------------------------------------------------------- layers


@pytest.mark.parametrize("module", MODULES)
def test_module_has_a_layer(module: str) -> None:
    assert 0 <= layer_of(module) < len(LAYERS)


def test_no_import_runs_up() -> None:
    up = [i for i in ALL_IMPORTS if i.target in MODULES and layer_of(i.target) < layer_of(i.module)]
    assert not up, show(up)


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


@pytest.mark.parametrize("room", FORBIDDEN)
def test_room_keeps_away_from(room: str) -> None:
    found = []
    queue = [module for module in MODULES if room_of(module) == room]
    assert queue, f"no module in liqcli/{room}"
    seen = set(queue)
    while queue:
        for item in imports_of(queue.pop()):
            if item.target.split(".")[0] in FORBIDDEN[room]:
                found.append(item)
            elif item.target in MODULES and not item.typing_only and item.target not in seen:
                seen.add(item.target)
                queue.append(item.target)
    assert not found, show(found)


def test_only_the_door_imports_cli() -> None:
    wrong = [
        i
        for i in ALL_IMPORTS
        if room_of(i.target) == "cli" and i.target in MODULES and room_of(i.module) not in ("cli", "__main__")
    ]
    assert not wrong, show(wrong)


def test_pyplot_is_never_imported() -> None:
    wrong = [i for i in ALL_IMPORTS if i.target.startswith("matplotlib.pyplot")]
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


SOURCE_MODULES = [
    m
    for m in MODULES
    if m.startswith("liqcli.sources.")
    and m.rpartition(".")[2]
    not in ("asking", "binance_files", "common", "cryptohftdata_files", "header", "kraken_scan", "okx_walk")
]


def test_sources_are_registered_under_their_own_names() -> None:
    assert {name.replace("-", "_"): module for name, module in SOURCES.items()} == {
        module.rsplit(".", 1)[1]: module for module in SOURCES.values()
    }
    assert set(SOURCES.values()) <= set(SOURCE_MODULES)


@pytest.mark.parametrize("module", [*SOURCE_MODULES, *LIVE_SOURCES.values()])
def test_source_has_header_and_tests(module: str) -> None:
    """``parse_header`` raises when a key is missing, unknown, twice or out of order; parsers of files have one too."""
    docstring = ast.get_docstring(ast.parse(MODULES[module].read_text(encoding="utf-8"))) or ""
    assert re.match(r"[A-Z].*[.:]$", docstring.splitlines()[0])
    fixture = parse_header(docstring)["fixture"].split()[0].rstrip(",;")
    assert (ROOT / fixture).exists(), f"{module}: fixture {fixture} is not there"
    test = ROOT / "tests" / module.split(".")[1] / f"test_{module.rsplit('.', 1)[1]}.py"
    assert test.is_file(), f"{module}: no {test.relative_to(ROOT)}"


def test_third_party_imports_are_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    own = {"liqcli", *sys.stdlib_module_names}
    packages = {"PIL": "pillow"}  # those that are not called as they are imported
    wrong = [
        i
        for i in ALL_IMPORTS
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


def test_sql_lives_in_files() -> None:
    """What is executed comes from ``read_query`` or from a plain constant; no program text is put together."""
    wrong = []
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in ("execute", "executemany", "sql", "query", "from_query") and node.args:
                text = node.args[0]
                read = isinstance(text, ast.Call) and ast.unparse(text.func) == "read_query"
                named = module == "liqcli.sqlite_rows" and ast.unparse(text).startswith(
                    "'SELECT * FROM"
                )  # a table's name
                users = (
                    module == "liqcli.engine" and ast.unparse(text) == "statement"
                )  # what a user wrote, in liqcli sql
                if not read and not named and not users and not isinstance(text, ast.Constant):
                    wrong.append(f"{module}:{node.lineno} {ast.unparse(node)[:80]}")
    assert not wrong, "\n".join(wrong)


def test_every_query_is_used() -> None:
    words = set()
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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
