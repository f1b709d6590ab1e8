"""Dated contracts under a perpetual's symbol: found, moved once, complete after any interruption."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import RunCli
from factories import T0, fill_lake, make_liquidation

from liqcli.core.model import Liquidation, Window
from liqcli.lake.fetch_log import CoveredWindow
from liqcli.lake.merge import Merger
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.lake.verify.dated_contracts import move_dated
from liqcli.sources.registry import KNOWN_SOURCES


def _rows() -> list[Liquidation]:
    """Two rows of the perpetual, two identical ones of a quarterly, one of another, as an old version stored them."""
    common = {"exchange": "binance", "symbol": "BTCUSDT", "source": "binance"}
    names = ["BTCUSDT", "BTCUSDT_260327", "BTCUSDT_260327", "BTCUSDT", "BTCUSDT_260626"]
    times = [T0, T0 + 1, T0 + 1, T0 + 2, T0 + 3]
    return [make_liquidation(ts, instrument=name, **common) for ts, name in zip(times, names, strict=True)]


def _fill(lake: Path) -> Lake:
    store = Lake(lake)
    window = CoveredWindow(Window(T0, T0 + 10), "complete", 5, T0 + 20)
    store.replace_window("binance", "BTCUSDT", "binance", [window], _rows())
    return store


def _held(lake: Path) -> dict[str, list[str]]:
    import pyarrow.parquet as pq

    found: dict[str, list[str]] = {}
    for path in sorted(lake.rglob("liquidations/**/*.parquet")):
        symbol = path.parts[-3].removeprefix("symbol=")
        found[symbol] = pq.ParquetFile(path).read().column("instrument").to_pylist()
    return found


WHOLE = {
    "BTCUSDT": ["BTCUSDT", "BTCUSDT"],
    "BTCUSDT-260327": ["BTCUSDT_260327", "BTCUSDT_260327"],
    "BTCUSDT-260626": ["BTCUSDT_260626"],
}


def test_found_and_moved(run_cli: RunCli, lake: Path) -> None:
    _fill(lake)
    found = run_cli("verify", check=5)
    assert "has dated contracts under another symbol: BTCUSDT_260327, BTCUSDT_260626" in found.stdout
    assert "to do: liqcli verify --move-dated" in found.stdout
    moved = run_cli("verify", "--move-dated", check=0)
    assert "binance BTCUSDT 2026-03: 2 rows moved to BTCUSDT-260327" in moved.stderr
    assert _held(lake) == WHOLE
    assert verify_lake(Lake(lake), KNOWN_SOURCES).issues == []
    assert list(Lake(lake).read_fetch_log("binance", "BTCUSDT-260327", "binance").covered()) == [(T0, T0 + 10)]
    again = run_cli("verify", "--move-dated", check=0)
    assert "no dated contract is stored under another symbol" in again.stderr
    assert _held(lake) == WHOLE


@pytest.mark.parametrize("killed_after", [0, 1, 2, 3])
def test_killed_anywhere_and_run_again(lake: Path, monkeypatch: pytest.MonkeyPatch, killed_after: int) -> None:
    """Each write is the last one of a killed run in turn; no row is lost at any time, and the next run is whole."""
    store = _fill(lake)
    merge = Merger.merge
    done = 0

    def merge_until(self: Merger, *given: object) -> None:
        nonlocal done
        if done == killed_after:
            raise KeyboardInterrupt
        done += 1
        merge(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Merger, "merge", merge_until)
    if killed_after < 3:  # two contracts and what is left
        with pytest.raises(KeyboardInterrupt):
            list(move_dated(store))
    held = [name for names in _held(lake).values() for name in names]
    assert held.count("BTCUSDT") == 2
    assert {"BTCUSDT", "BTCUSDT_260327", "BTCUSDT_260626"} == set(held)
    monkeypatch.setattr(Merger, "merge", merge)
    list(move_dated(store))
    assert _held(lake) == WHOLE
    assert verify_lake(store, KNOWN_SOURCES).damage == []


def test_a_clean_lake_is_left_alone(lake: Path) -> None:
    fill_lake(lake, [make_liquidation(T0)])
    assert list(move_dated(Lake(lake))) == []
