"""What README and docs tell people to type is what the program understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from liqcli.cli import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def iter_blocks() -> Iterator[tuple[str, str]]:
    """Every line of a code block that begins with liqcli, but for the usage lines of docs/cli.md."""
    for page in PAGES:
        for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                if line.startswith("liqcli ") and not re.search(r"\[OPTIONS\]|…", line):
                    yield page.name, line


def iter_spans() -> Iterator[tuple[str, str]]:
    """Every ``liqcli …`` within a sentence, however much of the command it leaves out."""
    for page in PAGES:
        for span in re.findall(r"`(liqcli [^`]+)`", page.read_text(encoding="utf-8")):
            yield page.name, " ".join(span.split())


@pytest.mark.parametrize(("page", "line"), [*iter_blocks()])
def test_a_line_to_type_is_understood(page: str, line: str) -> None:
    name, *words = shlex.split(line, comments=True)[1:]
    COMMANDS[name].make_context(name, words)  # raises what a user would be told


@pytest.mark.parametrize(("page", "span"), [*iter_spans()])
def test_a_command_in_a_sentence_has_the_flags_it_names(page: str, span: str) -> None:
    name, *words = span.split()[1:]
    if name.startswith("-"):
        assert name in ("--version", "--help", "--install-completion", "--show-completion")
        return
    known = {flag for option in COMMANDS[name].params for flag in (*option.opts, *option.secondary_opts)} | {"--help"}
    assert {word for word in words if re.match(r"--?[a-z]", word)} <= known


def test_there_is_something_to_check() -> None:
    assert len(list(iter_blocks())) > 10
    assert len(list(iter_spans())) > 30
