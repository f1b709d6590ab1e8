"""``liqcli alerts``: the thresholds of liqcli.toml now, as an exit code for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import RunCli

pytestmark = pytest.mark.usefixtures("empty_pictures")

# A burst of forty orders of 10,000 USD in one minute, in an otherwise quiet day with one order an hour.
QUIET = [f"2026-03-01T{hour:02}:30:00Z,gate,BTCUSDT,short,{100 + hour % 3},1,fill,full" for hour in range(24)]
BURST = [f"2026-03-01T12:00:{second:02}Z,gate,BTCUSDT,long,100,100,fill,full" for second in range(40)]
EVENTS = "\n".join(["ts,exchange,symbol,position,price,qty,price_kind,completeness", *QUIET, *BURST, ""])
UNTIL = ("--until", "2026-03-02")


@pytest.fixture
def settle(imported: Callable[[str, Path], Path], lake: Path, tmp_path: Path) -> Callable[..., None]:
    imported(EVENTS, lake)

    def write(thresholds: str, symbols: str = '"BTCUSDT"') -> None:
        (tmp_path / "liqcli.toml").write_text(f'symbols = [{symbols}]\nlookbacks = "24h"\n[alerts]\n{thresholds}\n')

    return write


def test_none_and_some(run_cli: RunCli, settle: Callable[..., None]) -> None:
    settle("cascade_usd = 400_001")
    done = run_cli("alerts", *UNTIL, check=0)
    assert (done.stdout, done.stderr) == ("", "no threshold is met\n")
    settle("cascade_usd = 400_000")
    done = run_cli("alerts", *UNTIL, check=1)
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.startswith("BTCUSDT 24h: cascade of longs ")
    assert "400K USD" in done.stdout


def test_json(run_cli: RunCli, settle: Callable[..., None]) -> None:
    settle("cascade_usd = 400_000")
    found = json.loads(run_cli("alerts", *UNTIL, "--format", "json", check=1).stdout)
    assert [(alert["kind"], alert["symbol"], alert["notional"]) for alert in found["alerts"]] == [
        ("cascade", "BTCUSDT", 400_000)
    ]
    assert found["exit_code"] == 1
    assert [(report["name"], report["status"]) for report in found["reports"]] == [("BTCUSDT-24h", "ok")]


def test_errors_are_2_and_more_also_if_an_alert_was_found(run_cli: RunCli, settle: Callable[..., None]) -> None:
    settle("cascade_usd = 400_000", '"BTCUSDT", "ETHUSDT"')
    done = run_cli("alerts", *UNTIL, check=6)
    assert "cascade of longs" in done.stdout
    assert "warning: ETHUSDT-24h: no data: " in done.stderr
    settle("cascade_usd = 400_000", '"ETHUSDT"')
    assert run_cli("alerts", *UNTIL, check=4).stdout == ""
    settle("exit_code = 9")
    assert "[alerts] needs cluster_usd, cascade_usd or distance_pct" in run_cli("alerts", check=2).stderr


def test_damage_is_an_error(run_cli: RunCli, settle: Callable[..., None], lake: Path) -> None:
    settle("cascade_usd = 400_001")
    (stored,) = (lake / "liquidations").rglob("*.parquet")
    stored.write_bytes(b"not parquet")
    assert run_cli("alerts", *UNTIL).exit_code in (5, 6)


def test_a_bug_is_not_an_alert(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from liqcli.cli import app
    from liqcli.daily import evaluate

    def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(evaluate, "evaluate_alerts", crash)
    done = CliRunner().invoke(app, ["alerts"])
    assert done.exit_code == 5
