"""A plug-in of these tests: a lake to report from, and a process that can be killed at any change on disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import cli_environment
from daily_scene import SETTINGS, UNTIL

from liqcli.core.settings import Settings
from liqcli.daily import DailyResult, run_daily
from liqcli.lake.store import Lake

# A process with everything imported, that forks a child a line; the child kills itself before its n-th change on disk.
ZYGOTE = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import fork_server, plain_pictures
from liqcli.daily import run_daily
from liqcli.lake.store import Lake
from liqcli.core.settings import Settings
import liqcli.daily.reports, liqcli.report.figure, liqcli.report.figures, numpy
fork_server.import_everything()
plain_pictures.skip_drawing()
plain_pictures.guess_text_sizes()
drawn = liqcli.report.figure.Figure(numpy.zeros((2, 3, 3), numpy.uint8), "alt")
liqcli.report.figures.draw_figure = lambda results, name, view: drawn
liqcli.report.overview_figure.draw_overview_figure = lambda results, theme=None, portrait=False: drawn
liqcli.report.overview_figure.build_hover_map = lambda results, figure: []
liqcli.daily.reports.draw_thumbnail = lambda picture, **options: b"IEND\\xaeB`\\x82"
changes = 0
def counted(change):
    def call(*args, **kwargs):
        global changes
        if changes == last:
            os.kill(os.getpid(), signal.SIGKILL)
        changes += 1
        return change(*args, **kwargs)
    return call
for line in sys.stdin:
    out, until, last = line.split()
    last = int(last)
    if os.fork() == 0:
        for name in ("replace", "unlink", "write_bytes", "write_text", "rmdir", "hardlink_to"):
            setattr(Path, name, counted(getattr(Path, name)))
        quiet = lambda text: None
        settings = Settings(("SOLUSDT",), lookbacks=("1h",), out=Path(out), fetch=False, retention_days=2, levels=False)
        run_daily(settings, Lake(Path(sys.argv[1])), until, quiet, quiet)
        print("done", changes, flush=True)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.wait()[1]):
        print("killed", last, flush=True)
"""


@pytest.fixture
def env(sample: Path, tmp_path: Path) -> dict[str, str]:
    """The sample's lake, and settings in the folder where the program runs."""
    (tmp_path / "liqcli.toml").write_text(SETTINGS)
    return {"LIQCLI_LAKE": str(sample)}


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are a few bytes: for tests that are about all but the pictures."""
    from liqcli.daily import reports
    from liqcli.report import figure, figures, levels_outputs, overview_figure

    drawn = figure.Figure(np.zeros((2, 3, 3), np.uint8), "alt")
    monkeypatch.setattr(figures, "draw_figure", lambda _results, _name, _view: drawn)
    monkeypatch.setattr(levels_outputs, "draw_level_figure", lambda _data, _theme, _palette, _size: drawn)
    monkeypatch.setattr(overview_figure, "draw_overview_figure", lambda _results, _theme=None, **_options: drawn)
    monkeypatch.setattr(overview_figure, "build_hover_map", lambda _results, _figure: [])
    monkeypatch.setattr(reports, "draw_thumbnail", lambda _picture, **_options: b"IEND\xaeB`\x82")


@pytest.fixture(scope="session")
def found_before() -> dict[str, Any]:
    """What was computed of the sample's lake, which does not change."""
    return {}


def remember(compute: Callable[..., Any], sample: Path, found: dict[str, Any]) -> Callable[..., Any]:
    """Call a function on the sample's lake once for equal arguments; on other lakes each time."""

    def find(lake: Lake, *arguments: Any) -> Any:
        if lake.root != sample:
            return compute(lake, *arguments)
        key = f"{compute.__name__} {arguments}"
        if key not in found:
            found[key] = compute(lake, *arguments)
        return found[key]

    return find


@pytest.fixture
def run(
    sample: Path, tmp_path: Path, undrawn: None, found_before: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., DailyResult]:
    """
    Make the day of an hour of SOLUSDT in ``tmp_path/out``, without pictures; settings can be changed by name.

    The numbers of an hour are computed once for all tests.
    """
    from liqcli.report import overview_results, results

    for module, name in ((overview_results, "compute_overview"), (results, "compute_results")):
        monkeypatch.setattr(module, name, remember(getattr(module, name), sample, found_before))

    def run_day(until: str = UNTIL, lake: Path = sample, keep: bool = False, **changes: Any) -> DailyResult:
        settings = Settings(("SOLUSDT",), lookbacks=("1h",), out=tmp_path / "out", fetch=False, levels=False)
        return run_daily(replace(settings, **changes), Lake(lake), until, print, print, keep=keep)

    return run_day


@pytest.fixture(scope="session")
def killable(sample: Path) -> Iterator[Any]:
    """Run one day in a process that is killed before its n-th change on disk; gives what it said."""
    process = subprocess.Popen(
        [sys.executable, "-c", ZYGOTE, sample, Path(__file__).parents[1]],
        env=cli_environment(sample),
        text=True,
        stdin=-1,
        stdout=-1,
    )

    def run(out: Path, until: str, last: int = -1) -> tuple[str, int]:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{out} {until} {last}\n")
        process.stdin.flush()
        word, number = process.stdout.readline().split()
        return word, int(number)

    yield run
    process.communicate(timeout=20)


@pytest.fixture(scope="session")
def two_days(killable: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reports' folder with two days, the older of which a third run prunes: only to be copied."""
    out = tmp_path_factory.mktemp("two-days") / "out"
    for day in ("2026-01-06", "2026-01-07"):
        assert killable(out, day)[0] == "done"
    return out
