"""
Write docs/cli.md from the program's own help, and docs/sources.md from the headers of the source modules.

``--check`` writes nothing and exits with 1 when one of them is stale.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout documents itself, also where another liqcli is installed

from liqcli.core.errors import ExitCode  # noqa: E402
from liqcli.sources.header import parse_header  # noqa: E402
from liqcli.sources.registry import LIVE_SOURCES, SOURCES  # noqa: E402

FILE_PARSERS = {
    "binance-stream": "liqcli.sources.binance.force_orders",
    "generic": "liqcli.ingest.files.generic_rows",
    "tardis-csv": "liqcli.sources.tardis.files",
}  # these have a header too
EXIT_WORDS = {
    ExitCode.DONE: "done",
    ExitCode.USAGE: "a flag, name or value that cannot be right",
    ExitCode.SOURCE: "network or source failed, nothing usable came",
    ExitCode.NO_DATA: "no liquidation in the window",
    ExitCode.DAMAGED: "damaged or unreadable data, or a lake that cannot be written",
    ExitCode.PARTIAL: "partial: what arrived is stored, the rest is named",
    ExitCode.INTERRUPTED: "interrupted, nothing lost",
}


def main() -> int:
    """Write or check the generated documents."""
    parser = argparse.ArgumentParser(description="Write docs/cli.md and docs/sources.md from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a document is stale")
    check = parser.parse_args().check
    stale = []
    for path, text in ((ROOT / "docs/cli.md", build_cli_page()), (ROOT / "docs/sources.md", build_sources_page())):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT).as_posix())
        if not check:
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"stale: {', '.join(stale)}; run `make docs` and commit the result", file=sys.stderr)
        return 1
    for name in stale:
        print(f"wrote {name}")
    return 0


def build_cli_page() -> str:
    """Describe every command, argument and option as the program itself does."""
    import typer.main

    from liqcli.cli import app

    root = typer.main.get_command(app)
    lines = [
        "# The commands",
        "",
        "Made by `make docs` from the program's own help; do not edit.",
        "Words and units are explained in [units.md](units.md), sources in [sources.md](sources.md).",
        "",
        *_describe(root, "liqcli", 2),
        "## Exit codes",
        "",
        "| code | means |",
        "|---|---|",
        *(f"| {code.value} | {EXIT_WORDS[code]} |" for code in ExitCode),
    ]
    return "\n".join(lines) + "\n"


def _describe(
    command: Any,  # noqa: ANN401 - typer's own copy of Click is private
    name: str,
    level: int,
) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    yield f"{'#' * level} {name}"
    yield ""
    if command.help:
        yield from command.help.replace("\b\n", "").strip().splitlines()
        yield ""
    yield "```"
    yield " ".join([name, *command.collect_usage_pieces(context)])
    yield "```"
    yield ""
    rows = [record for p in command.get_params(context) if (record := p.get_help_record(context))]
    if rows:
        yield "| argument, option | |"
        yield "|---|---|"
        yield from (f"| `{_cell(re.sub(r' <.*>$', '', names))}` | {_cell(text)} |" for names, text in rows)
        yield ""
    if command.epilog:
        yield from command.epilog.strip().splitlines()
        yield ""
    for child_name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        child = command.get_command(context, child_name)
        if not child.hidden:
            yield from _describe(child, f"{name} {child_name}", 3)


def build_sources_page() -> str:
    """Print the header of every registered source module, key by key."""
    lines = [
        "# The sources",
        "",
        "Made by `make docs` from the headers of the modules in `liqcli/sources/`; do not edit.",
        "`completeness`, `price` and the other words are explained in [units.md](units.md).",
        "",
        "## Fetched",
        "",
        "What `liqcli fetch` asks: perpetuals. Dated futures are not asked for: they would stand under the symbol of",
        "the perpetual. An exchange lists the contracts of today, so one that it delisted is unknown there; `tardis`",
        "is asked by name and the folders of `binance-vision` stay, so these two may still have it.",
        "",
    ]
    for name, module in SOURCES.items():
        lines += _source_section(name, module)
    lines += ["## Recorded", "", "What `liqcli record` listens to: exchanges that publish no history.", ""]
    for name, module in LIVE_SOURCES.items():
        lines += _source_section(name, module)
    lines += ["## Files", "", "What `liqcli import` reads; the modules that turn a file's rows into liquidations.", ""]
    for name, module in FILE_PARSERS.items():
        lines += _source_section(name, module)
    return "\n".join(lines).rstrip() + "\n"


def _source_section(name: str, module: str) -> list[str]:
    docstring = importlib.import_module(module).__doc__ or ""
    rows = [f"| {key} | {_cell(text)} |" for key, text in parse_header(docstring).items()]
    return [f"### {name}", "", docstring.strip().splitlines()[0], "", "| | |", "|---|---|", *rows, ""]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
