"""Values of the command line are those of typer, without its adapters where they are plain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.core import TyperCommand
from typer.testing import CliRunner

from liqcli.cli.command import Command

PLAIN = (
    [], ["--text", "5"], ["--text", ""], ["--files", "a", "--files", "b/c"], ["--folder", "missing"],
    ["--folder", "."], ["--flag"],
)  # fmt: skip
NOT_PLAIN = (["--share", "0.25"], ["--share", "2"], ["--share", "x"], ["--folder", "locked"], ["--count", "7"])


def build(kind: type[TyperCommand]) -> typer.Typer:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @app.command("show", cls=kind)
    def show(
        *,
        text: str | None = None,
        word: str = "both",
        share: Annotated[float, typer.Option(min=0, max=1)] = 0.5,
        count: int | None = None,
        files: list[Path] | None = None,
        folder: Path | None = None,
        flag: bool = False,
    ) -> None:
        typer.echo(repr((text, word, share, count, files, folder, flag)))

    return app


@pytest.mark.parametrize("args", [*PLAIN, *NOT_PLAIN], ids=" ".join)
def test_values_and_errors_are_those_of_typer(args, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "locked").write_text("")
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "locked")  # root may read everything
    ours, theirs = (CliRunner().invoke(build(kind), args) for kind in (Command, TyperCommand))
    assert (ours.exit_code, ours.stdout) == (theirs.exit_code, theirs.stdout)
    assert ours.stderr.splitlines()[-3:] == theirs.stderr.splitlines()[-3:]


@pytest.mark.parametrize("args", PLAIN, ids=" ".join)
def test_plain_values_need_no_adapter(args, monkeypatch) -> None:
    def fail(descriptor) -> None:
        raise AssertionError(descriptor)

    monkeypatch.setattr("typer.core.build_runtime_param", fail)
    result = CliRunner().invoke(build(Command), args)
    assert (result.exit_code, result.exception) == (0, None)
