"""Whatever engine sums the events, the files have the same bytes."""

from __future__ import annotations

import pytest
from sail import start_sail

import liqcli

WINDOWS = {
    "day": {"symbol": "BTCUSDT", "lookback": "24h", "until": "latest"},
    "cut": {
        "symbol": "SOL",
        "since": "2026-01-06T03:07",
        "until": "2026-01-08T11:01",
        "half_life": "6h",
        "min_usd": 900.0,
        "against": "previous",
    },
    "market": {"symbol": "ETHUSDT", "lookback": "24h", "until": "latest", "price": "market", "position": "long"},
}


@pytest.fixture(scope="module")
def cluster():
    """Sail with workers of its own beside the driver."""
    with start_sail(SAIL_MODE="local-cluster") as address:
        yield address


def save(lake, engine, folder, kinds, **window) -> dict[str, bytes]:
    results = liqcli.Lake(lake, engine=engine).heatmap(**window)
    folder.mkdir()
    results.save(*(folder / f"map.{kind}" for kind in kinds))
    results.results.data.engine.close()
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("window", "server", "kinds"),
    [("day", "cluster", ("json", "csv", "png")), ("cut", "sail", ("json",)), ("market", "sail", ("csv",))],
    ids=WINDOWS,
)
def test_files_are_equal_to_those_of_duckdb(request, sample, tmp_path, window, server, kinds) -> None:
    wanted = save(sample, "duckdb", tmp_path / "near", kinds, **WINDOWS[window])
    found = save(sample, request.getfixturevalue(server), tmp_path / "far", kinds, **WINDOWS[window])
    assert len(wanted) == len(kinds)
    assert found == wanted
