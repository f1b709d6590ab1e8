"""``LIQCLI_*`` variables of options, options before the command, and what overrides what."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import RunCli

from liqcli.cli.command import name_variable
from liqcli.cli.group import COMMANDS, load_command

pytestmark = pytest.mark.usefixtures("empty_pictures")

HEAD = "ts,exchange,symbol,position,price,qty,price_kind,completeness\n"
EVENTS = HEAD + (
    "2026-03-01T10:10:00Z,gate,BTCUSDT,long,100,10,fill,full\n"
    "2026-03-01T23:10:00Z,gate,BTCUSDT,long,100,30,fill,full\n"
    "2026-03-01T23:20:00Z,gate,SOLUSDT,long,10,500,fill,full\n"
)


@pytest.fixture
def filled(imported: Callable[[str, Path], Path], lake: Path) -> Path:
    return imported(EVENTS, lake)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_variable(name: str) -> None:
    options = [param for param in load_command(name).params if param.param_type_name == "option"]
    expected = {name_variable(name, next(word for word in o.opts if word.startswith("--"))): o for o in options}
    own = {o.envvar for o in options if o.name != "lake"}
    assert own <= set(expected), "the variable of an option has the name of its flag"
    assert len(own) == len([o for o in options if o.name != "lake"])
    assert {o.envvar for o in options if o.name == "lake"} <= {"LIQCLI_LAKE"}


def test_names() -> None:
    assert name_variable("heatmap", "--min-usd") == "LIQCLI_HEATMAP_MIN_USD"
    assert name_variable("daily", "--fetch") == "LIQCLI_DAILY_FETCH"


def count(run_cli: RunCli, *args: object, **env: str) -> int:
    done = run_cli("heatmap", "-o", "-", "--format", "csv", "--until", "2026-03-02", *args, env=env, check=0)
    return sum(int(row["events"]) for row in csv.DictReader(done.stdout.splitlines()))


def test_a_flag_overrides_a_variable_and_a_variable_the_default(run_cli: RunCli, filled: Path) -> None:
    assert count(run_cli, "BTC") == 2
    assert count(run_cli, "BTC", LIQCLI_HEATMAP_LOOKBACK="1h") == 1
    assert count(run_cli, "BTC", "--lookback", "24h", LIQCLI_HEATMAP_LOOKBACK="1h") == 2
    assert count(run_cli, "BTC", LIQCLI_HEATMAP_MIN_USD="2000") == 1
    assert count(run_cli, "BTC", LIQCLI_HEATMAP_LOOKBACK="") == 2, "an empty one is none"


def test_a_flag_overrides_the_variable_of_its_alternative(run_cli: RunCli, filled: Path) -> None:
    assert count(run_cli, LIQCLI_HEATMAP_SYMBOL="SOL") == 1
    assert count(run_cli, "BTC", LIQCLI_HEATMAP_SYMBOL="SOL") == 2
    assert count(run_cli, "BTC", "--since", "2026-03-01T10:00Z", LIQCLI_HEATMAP_LOOKBACK="1h") == 2
    assert count(run_cli, "BTC", "--lookback", "1h", LIQCLI_HEATMAP_SINCE="2026-03-01") == 1
    assert count(run_cli, "BTC", "--bin", "1", LIQCLI_HEATMAP_BINS="10") == 2


def test_two_flags_still_conflict(run_cli: RunCli, filled: Path) -> None:
    flags = ("--lookback", "1h", "--since", "2026-03-01")
    assert "cannot be combined" in run_cli("heatmap", "BTC", *flags, check=2).stderr
    variables = {"LIQCLI_HEATMAP_LOOKBACK": "1h", "LIQCLI_HEATMAP_SINCE": "2026-03-01"}
    assert "cannot be combined" in run_cli("heatmap", "BTC", env=variables, check=2).stderr


def test_an_invalid_variable_is_named(run_cli: RunCli, filled: Path) -> None:
    done = run_cli("heatmap", "BTC", env={"LIQCLI_HEATMAP_BINS": "many"}, check=2)
    assert "LIQCLI_HEATMAP_BINS" in done.stderr


def test_flags_and_lists_from_variables(run_cli: RunCli, filled: Path, tmp_path: Path) -> None:
    env = {"LIQCLI_HEATMAP_OUTPUT": "a.csv:b.json", "LIQCLI_HEATMAP_QUIET": "1", "LIQCLI_HEATMAP_UNTIL": "latest"}
    done = run_cli("heatmap", "BTC", env=env, check=0)
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "a.csv").is_file()
    assert (tmp_path / "b.json").is_file()


def test_settings_come_after_variables(run_cli: RunCli, filled: Path, tmp_path: Path) -> None:
    """For the folder of the reports: flag, variable, liqcli.toml."""
    settings = 'symbols = "BTCUSDT"\nlookbacks = "24h"\nfetch = false\nout = "from-settings"\nlevels = false\n'
    (tmp_path / "liqcli.toml").write_text(settings + 'theme = "dark"\nsections = "clusters"\n')

    def folder(*args: str, **env: str) -> str:
        done = run_cli("daily", "--until", "2026-03-02", *args, env=env, check=0)
        return Path(done.stdout.strip()).parent.name

    assert folder() == "from-settings"
    assert folder(LIQCLI_DAILY_OUT="from-variable") == "from-variable"
    assert folder("--out", "from-flag", LIQCLI_DAILY_OUT="from-variable") == "from-flag"


def test_the_lake_flag_overrides_variable_and_settings(run_cli: RunCli, filled: Path, tmp_path: Path) -> None:
    def holds(*args: Any, **env: str) -> bool:
        return "SOLUSDT" in run_cli(*args, env=env, check=0).stdout

    (tmp_path / "liqcli.toml").write_text(f'lake = "{filled}"\n')
    nowhere = str(tmp_path / "nowhere")
    assert holds("status", LIQCLI_LAKE="")
    assert not holds("status", LIQCLI_LAKE=nowhere)
    assert holds("status", "--lake", filled, LIQCLI_LAKE=nowhere)
    assert holds("--lake", filled, "status", LIQCLI_LAKE=nowhere)
    assert holds("--lake", nowhere, "status", "--lake", filled)
    assert not holds("--lake", nowhere, "status")


def test_a_command_without_a_lake_refuses_one(run_cli: RunCli, tmp_path: Path) -> None:
    assert "liqcli sources does not use a lake" in run_cli("--lake", tmp_path, "sources", check=2).stderr


def test_quiet_before_the_command(run_cli: RunCli, filled: Path) -> None:
    words = ("heatmap", "BTC", "--until", "latest", "-o", "x.csv")
    assert "wrote x.csv" in run_cli(*words, check=0).stderr
    assert run_cli("-q", *words, check=0).stderr == ""
    assert run_cli(*words, env={"LIQCLI_QUIET": "1"}, check=0).stderr == ""
