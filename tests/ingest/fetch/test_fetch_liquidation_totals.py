"""``liqcli fetch --kind liquidation-totals`` against a server on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import RunCli
from loopback.gate_totals import START_MS, STATS, GateTotals, every_minute

from liqcli.core.formatting import format_iso
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.sources.registry import KNOWN_SOURCES

HOUR_US = 3_600_000_000


@pytest.fixture
def server() -> Iterator[GateTotals]:
    events = every_minute(0, 100)
    with GateTotals(events, events) as running:
        yield running


@pytest.fixture
def fetch(run_cli: RunCli, server: GateTotals) -> Callable[..., list[dict[str, object]]]:
    """Fetch the first three hours of the scene; return the rows of the summary."""
    env = {"LIQCLI_URL_GATE": server.url, "LIQCLI_RATE_GATE": "unlimited"}
    words = ("fetch", "--kind", "liquidation-totals", "--format", "json", "--quiet")

    def run(*more: str, check: int = 0) -> list[dict[str, object]]:
        span = ("--since", format_iso(START_MS * 1000), "--until", format_iso(START_MS * 1000 + 3 * HOUR_US))
        return json.loads(run_cli(*words, *span, *more, env=env, check=check).stdout)["market"]

    return run


def test_totals_are_stored_by_side_and_not_asked_for_again(
    fetch: Callable[..., list[dict[str, object]]], lake: Path, server: GateTotals
) -> None:
    (row,) = fetch("-s", "BTCUSDT")
    assert (row["exchange"], row["rows"], row["requests"], row["result"]) == ("gate", 180, 3, "ok")
    assert [int(a.params["from"]) - START_MS // 1000 for a in server.paths(STATS)] == [0, 6000]  # 100 minutes each
    (path,) = lake.glob("liquidation_totals/exchange=gate/symbol=BTCUSDT/month=*/gate.parquet")
    table = pq.ParquetFile(path).read()
    own = ["instrument", "native_unit", "total_native"]  # empty: Gate states USD
    assert table.column_names == ["ts", "interval_s", "long_usd", "short_usd", "total_usd", *own, "source"]
    first = [tuple(row.values()) for row in table.slice(0, 2).to_pylist()]
    unused = (None, None, None)
    assert [r[1:] for r in first] == [
        (60, 100.0, 0.0, 100.0, *unused, "gate"),
        (60, 0.0, 100.0, 100.0, *unused, "gate"),
    ]
    assert sum(table["total_usd"].to_pylist()) == 1000
    assert verify_lake(Lake(lake), KNOWN_SOURCES).issues == []
    (again,) = fetch("-s", "BTCUSDT")
    assert (again["rows"], again["requests"], again["result"]) == (0, 0, "ok")


def test_a_symbol_that_gate_does_not_list(fetch: Callable[..., list[dict[str, object]]], lake: Path) -> None:
    (row,) = fetch("-s", "ETHUSDT", check=3)
    assert (row["rows"], row["troubles"]) == (0, ["gate does not list ETHUSDT"])
    assert not (lake / "liquidation_totals").exists()


def test_an_exchange_without_totals_is_a_usage_error(run_cli: RunCli) -> None:
    done = run_cli("fetch", "--kind", "liquidation-totals", "--exchange", "okx", check=2)
    assert "liquidation totals are fetched from gate, kraken" in done.stderr
