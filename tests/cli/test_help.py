"""``liqcli --help``: fast, complete, and laid out as typer would."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from typing import Any

import pytest
import typer.main

from liqcli.cli import app
from liqcli.cli.group import COMMANDS, load_command
from liqcli.cli.group_help import print_group_help

HEAVY = ("duckdb", "pyarrow", "matplotlib", "requests", "numpy", "rich.markdown", "typer.rich_utils")
UNUSED = ("hashlib", "liqcli.core.settings")  # 15 and 20 ms with -X importtime
SUMMARIES = {name: entry.summary for name, entry in COMMANDS.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_repeats_the_docstring(name: str) -> None:
    module, _, function = COMMANDS[name].function.partition(":")
    docstring = inspect.getdoc(getattr(importlib.import_module(module), function)) or ""
    assert COMMANDS[name].summary == " ".join(docstring.split("\n\n")[0].split())


def test_help_imports_no_command_and_nothing_heavy() -> None:
    program = f"""
import sys
from liqcli.cli import app
sys.argv = ["liqcli", "--help"]
try:
    app()
except SystemExit as stop:
    assert not stop.code
modules = {[entry.function.partition(":")[0] for entry in COMMANDS.values()]!r}
print("LOADED", sorted({{*{HEAVY!r}, *{UNUSED!r}, *modules}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"
    assert all(f"│ {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize("color", [False, True])
def test_help_is_laid_out_as_typer_does(
    columns: int, color: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from typer import rich_utils

    monkeypatch.setenv("COLUMNS", str(columns))
    for name in ("FORCE_COLOR", "NO_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(rich_utils, "FORCE_TERMINAL", True if color else None)
    if color:
        monkeypatch.setenv("FORCE_COLOR", "1")
    group: Any = typer.main.get_command(app)
    ctx = group.make_context("liqcli", [], resilient_parsing=True)
    rich_utils.rich_format_help(obj=group, ctx=ctx, markup_mode="rich")
    expected = capsys.readouterr().out
    print_group_help(group, ctx, SUMMARIES)
    assert capsys.readouterr().out == expected
    assert ("\x1b[" in expected) == color


def test_a_misspelt_command_is_suggested(run_cli: Any) -> None:
    assert "No such command 'heatmp'. Did you mean 'heatmap'" in " ".join(run_cli("heatmp", check=2).stderr.split())


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)], ids=lambda words: " ".join(words) or "liqcli")
def test_h_is_help(run_cli: Any, words: tuple[str, ...]) -> None:
    help_text = run_cli(*words, "--help", check=0)
    assert "Usage: " in help_text.stdout
    assert run_cli(*words, "-h", check=0) == help_text


@pytest.mark.parametrize("name", COMMANDS)
def test_s_is_symbol(name: str) -> None:
    command = load_command(name)
    symbols = [option for option in command.params if "--symbol" in option.opts]
    assert all("-s" in option.opts for option in symbols)
    with_symbols = ("fetch", "import", "record", "watch", "heatmap", "compare", "schedule", "status", "levels", "score")
    assert bool(symbols) == (name in (*with_symbols, "clusters", "cascades"))


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)], ids=lambda words: " ".join(words) or "liqcli")
def test_values_have_plain_names(run_cli: Any, words: tuple[str, ...]) -> None:
    """No Python type shows, such as ``<list[Path]>`` or ``<bool>``."""
    help_text = run_cli(*words, "--help", env={"COLUMNS": "200"}, check=0).stdout
    assert "--help" in help_text
    assert not re.findall(r"<[a-zA-Z_ \[\]]+>", help_text)


def test_values_of_options_are_text_or_numbers(run_cli: Any) -> None:
    lines = run_cli("heatmap", "--help", env={"COLUMNS": "200"}, check=0).stdout.splitlines()
    shown = {words[1]: words[2] for line in lines if (words := line.split())[1:2] and words[1].startswith("--")}
    assert [shown[name] for name in ("--position", "--bins", "--min-usd", "--since", "--lake")] == [
        "TEXT", "N", "N", "T", "DIR",
    ]  # fmt: skip
