"""Replacements that no rule makes: (file in the new layout, before, after). And what is done once at the end."""

import re
import subprocess

EDITS = [
    ("tests/query/test_sql.py", 'Path(__file__).parent.parent / "sql"', 'Path(__file__).parent / "sql"'),
    ("tests/query/test_sql.py", 'Path(__file__).parents[2] / "liqcli" / "sql"', 'Path(__file__).parents[2] / "liqcli/query/sql"'),
    ("tests/query/test_sql.py", "``tests/sql/", "``tests/query/sql/"),
    ("tests/charts/test_charts_fonts.py", '*PACKAGE.glob("poster/*.py"),', '*PACKAGE.glob("report/*figure*.py"),\n        PACKAGE / "report/captions.py",'),
    ("tests/charts/test_charts_fonts.py", 'PACKAGE / "formats.py"', 'PACKAGE / "core/formatting.py"'),
    ("tests/charts/test_charts_fonts.py", 'PACKAGE / "words.py"', 'PACKAGE / "core/wording.py"'),
    ("tests/query/sql/run", "(tests/sql/run", "(tests/query/sql/run"),
    ("tests/query/sql/run", '/../.."', '/../../.."'),
    ("tests/test_architecture.py", 'PACKAGE / "sql"', 'PACKAGE / "query/sql"'),
    ("CONTRIBUTING.md", "- Layers are held by `tests/test_architecture.py`. A new module is entered there; if no layer fits, it wants to be two.",
     "- Imports run one way between packages. `lint-imports` holds that; `pyproject.toml` states each rule with its reason."),
    ("CONTRIBUTING.md", "`liqcli/sources/<name>.py`", "`liqcli/sources/<name>/liquidations.py`"),
    ("CONTRIBUTING.md", "`tests/sources/test_<name>.py`", "`tests/sources/<name>/test_<name>_liquidations.py`"),
    ("CONTRIBUTING.md", "`asking.walk_pages`", "`paging.walk_pages`"),
    ("CONTRIBUTING.md", "`asking.ask_fitting`", "`paging.ask_fitting`"),
    ("docs/design.md", "held by `tests/test_architecture.py`", "held by `lint-imports`"),
    ("Makefile", "\t@$(RUN) -m mypy\n", "\t@$(RUN) -m mypy\n\t@.venv/bin/lint-imports --no-logo\n"),
    ("Makefile", "lint, format, types, generated documents", "lint, format, types, import rules, generated documents"),
    ("pyproject.toml", '    "hypothesis~=6.170",\n', '    "hypothesis~=6.170",\n    "import-linter~=2.17",\n'),
    ("requirements.txt", "contourpy==", "click==8.5.1\ncontourpy=="),
    ("requirements.txt", "hatchling==", "grimp==3.20\nhatchling=="),
    ("requirements.txt", "iniconfig==", "import-linter==2.17\niniconfig=="),
    ("scripts/make_docs.py", '    for path in sorted((ROOT / "liqcli/sources").glob("*.py")):\n        module = f"liqcli.sources.{path.stem}"\n        if module not in SOURCES.values() and path.stem not in ("__init__", *SHARED_MODULES):\n            lines += _source_section(path.stem.replace("_", "-"), module)\n',
     "    for name, module in FILE_PARSERS.items():\n        lines += _source_section(name, module)\n"),
    ("scripts/make_docs.py", "`liqcli/sources/` and `live_sources/`", "`liqcli/sources/`"),
]

FILE_PARSERS = '''FILE_PARSERS = {
    "binance-stream": "liqcli.sources.binance.force_orders",
    "generic": "liqcli.ingest.files.generic_rows",
    "tardis-csv": "liqcli.sources.tardis.csv",
}  # these have a header too
'''

SOURCE_TESTS = '''FILE_PARSERS = ("liqcli.sources.binance.force_orders", "liqcli.ingest.files.generic_rows", "liqcli.sources.tardis.csv")
MARKET_MODULES = {place.partition(":")[0] for places in MARKET_SOURCES.values() for place in places}


def test_sources_are_registered_under_their_own_names() -> None:
    """In the folder of that name; ``binance-vision`` is Binance's archive."""
    for name, module in {**SOURCES, **LIVE_SOURCES}.items():
        assert module.startswith(f"liqcli.sources.{name.partition('-')[0]}."), name


def test_every_source_is_registered() -> None:
    made = {m for m, path in MODULES.items() if re.search(r"^SOURCE\\b", path.read_text(encoding="utf-8"), re.MULTILINE)}
    assert made == {*SOURCES.values(), *LIVE_SOURCES.values(), *MARKET_MODULES}


@pytest.mark.parametrize("module", [*SOURCES.values(), *FILE_PARSERS, *LIVE_SOURCES.values()])
'''

LINTER = '''
# Which package may import which. `make check` runs lint-imports on these.
[tool.importlinter]
root_package = "liqcli"
include_external_packages = true

# Data flow one way, so that a package can be read, tested and changed knowing only those below it.
# Packages with a "|" between them do not know each other.
[[tool.importlinter.contracts]]
name = "Packages import only packages below them"
type = "layers"
containers = ["liqcli"]
layers = [
    "__main__",
    "cli",
    "daily",
    "demo",
    "(api)",
    "report | ingest",
    "analysis | lake | sources",
    "charts | query | net",
    "core",
]
ignore_imports = [
    # `import liqcli` names the API for type checkers and loads it when it is first used; modules that read
    # `liqcli.__version__` do not load it.
    "liqcli -> liqcli.api",
    # To suggest a command that fetches a damaged file again, it asks which sources can be fetched. Goes when
    # verify receives these names as an argument.
    "liqcli.lake.verify.issues -> liqcli.sources.registry",
    # To look only at rows that were fetched, it asks the same. Goes with the one above.
    "liqcli.lake.verify.row_check -> liqcli.sources.registry",
    # To name a command for an empty window, it asks which exchanges can be fetched. Goes with the two above.
    "liqcli.lake.selection -> liqcli.sources.registry",
@ANALYSIS@]

# A source builds requests and parses bytes: it is tested without engine, files or pictures.
[[tool.importlinter.contracts]]
name = "Sources know neither DuckDB nor matplotlib"
type = "forbidden"
source_modules = ["liqcli.sources"]
forbidden_modules = ["duckdb", "matplotlib"]
ignore_imports = ["liqcli -> liqcli.api"]  # for type checkers, and when a name of it is first used

# Results repeat to the byte: nothing in them comes from the network or from how it is drawn.
[[tool.importlinter.contracts]]
name = "Analysis knows neither requests nor matplotlib"
type = "forbidden"
source_modules = ["liqcli.analysis"]
forbidden_modules = ["requests", "matplotlib"]
ignore_imports = ["liqcli -> liqcli.api"]  # for type checkers, and when a name of it is first used

# A chart draws the arrays it is given.
[[tool.importlinter.contracts]]
name = "Charts know neither DuckDB nor requests"
type = "forbidden"
source_modules = ["liqcli.charts"]
forbidden_modules = ["duckdb", "requests"]
ignore_imports = ["liqcli -> liqcli.api"]  # for type checkers, and when a name of it is first used
'''


def cut(text, first, last, hand, keep_last=True):
    """Cut from a text that begins with ``first`` up to ``last``."""
    start = text.find(first)
    end = text.find(last, start + 1)
    if start < 0 or end < 0:
        hand.append(f"test_architecture: no {first[:50]!r} ... {last[:50]!r}")
        return text
    return text[:start] + text[end:]


def finish(repo, hand):
    """Architecture test, import rules, generated documents."""
    path = repo / "tests/test_architecture.py"
    text = path.read_text()
    text = cut(text, "# From the door down", "HEAVY = ", hand)
    text = cut(text, "def room_of(", "def iter_nodes(", hand)
    text = cut(text, '@pytest.mark.parametrize("module", MODULES)\ndef test_module_has_a_layer', "def test_no_circle", hand)
    text = cut(text, '@pytest.mark.parametrize("room", FORBIDDEN)', "def test_pyplot_is_never", hand)
    text = cut(text, "SOURCE_MODULES = [", "def test_source_has_header_and_tests", hand)
    text = text.replace("def test_source_has_header_and_tests", SOURCE_TESTS + "def test_source_has_header_and_tests")
    text, n = re.subn(
        r'    test = ROOT / "tests" / module\.split.*\n', 
        '    *folder, name = module.split(".")[1:]\n'
        '    tests = ROOT / "tests" / "/".join(folder)\n'
        '    test = tests / (f"test_{folder[1]}_{name}.py" if folder[0] == "sources" else f"test_{name}.py")\n', text)
    if n != 1:
        hand.append("test_architecture: the line that finds a source's test")
    text = re.sub(r"^from liqcli\.sources\.registry import [^\n]*$", "from liqcli.sources.registry import LIVE_SOURCES, MARKET_SOURCES, SOURCES", text, count=1, flags=re.M)
    text = re.sub(r'^""".*?"""', '"""The rules of docs/design.md that no tool holds: circles, heavy imports, registers, SQL files, links."""', text, count=1, flags=re.S)
    path.write_text(text)

    path = repo / "scripts/make_docs.py"
    text = path.read_text()
    text = re.sub(r"SHARED_MODULES = \(.*?\)[^\n]*\n", FILE_PARSERS, text, flags=re.S)
    text = re.sub(r"from liqcli\.sources\.registry import (\([^)]*\)|[^\n]*)", "from liqcli.sources.registry import LIVE_SOURCES, SOURCES  # noqa: E402", text)
    path.write_text(text)

    path = repo / "pyproject.toml"
    text = path.read_text()
    if "tool.importlinter" not in text:
        path.write_text(text.replace("\n[tool.pytest.ini_options]", LINTER.replace("@ANALYSIS@", "") + "\n[tool.pytest.ini_options]"))
    for name in ("docs/units.md", "docs/clusters.md", "README.md", "docs/design.md", "CONTRIBUTING.md"):
        for word in sorted(set(re.findall(r"`(?:liqcli/)?((?:analysis|fetcher|recorder|poster|live_sources|market_sources)/?[\w./*]*|importer|http|file_rows|findings|album|overlay|engine|records)`", (repo / name).read_text()))):
            hand.append(f"{name}: says `{word}`")
    done = subprocess.run([str(repo / ".venv/bin/python"), "scripts/make_docs.py"], cwd=repo, capture_output=True, text=True, env={"PYTHONPATH": str(repo), "PATH": "/usr/bin:/bin"})
    hand.append(f"make_docs: {done.stdout.strip()} {done.stderr.strip()[-300:]}")
