"""`liqcli verify` as a user runs it: exit codes, what stands on stdout, what on stderr."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import RunCli
from factories import T0, fill_lake, make_liquidation
from loopback.scenes import WINDOW, be_swift, gate_server, htx_server, point, stored

from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.sources.registry import KNOWN_SOURCES

FILE = "liquidations/exchange=gate/symbol=SOLUSDT/month=2026-03/gate.parquet"


def test_clean_and_damaged(run_cli: RunCli, lake: Path) -> None:
    fill_lake(lake, [make_liquidation(T0), make_liquidation(T0 + 1)])
    clean = run_cli("verify", check=0)
    assert clean.stdout == ""
    assert clean.stderr == f"{lake}: 1 file with 2 rows read, nothing damaged\n"
    assert run_cli("verify", "--quiet", check=0).stderr == ""

    (lake / FILE).write_bytes((lake / FILE).read_bytes()[:-9])
    damaged = run_cli("verify", check=5)
    first, what, to_do = damaged.stdout.splitlines()
    assert first == f"damage     {FILE}"
    assert what.strip().startswith("damaged or not Parquet (")
    assert "liqcli fetch --again --source gate --exchange gate --symbol SOLUSDT" in to_do
    assert damaged.stderr == f"{lake}: 1 file with 0 rows read, 1 damaged\n"
    record = json.loads(run_cli("verify", "--format", "json", "--quiet", check=5).stdout)
    assert [item["file"] for item in record["damaged"]] == [str(lake / FILE)]


@pytest.mark.slow
def test_what_was_fetched_is_whole(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Twins, bursts over the page limit, answers in pieces: what is remembered is what is stored; less is damage."""
    be_swift(monkeypatch)
    with gate_server() as gate, htx_server() as htx:
        point(monkeypatch, gate=gate.url, htx=htx.url)
        fetch(Lake(lake), WINDOW, ["BTCUSDT", "ETHUSDT"], ["gate", "htx"])
    verdict = verify_lake(Lake(lake), KNOWN_SOURCES)
    assert verdict.issues == []
    assert verdict.rows == sum(sum(stored(lake, symbol).values()) for symbol in ("BTCUSDT", "ETHUSDT"))
    for path in lake.rglob("liquidations/exchange=htx/symbol=BTCUSDT/*/*.parquet"):
        path.unlink()
    damage = verify_lake(Lake(lake), KNOWN_SOURCES).damage
    assert damage
    assert all("are missing" in finding.what for finding in damage)


def test_empty_lake_and_unknown_format(run_cli: RunCli) -> None:
    assert "is empty" in run_cli("verify", check=0).stderr
    assert run_cli("verify", "--format", "yaml", check=2).stderr.startswith(
        "liqcli: invalid --format 'yaml' (choose table or json)"
    )
