"""Snapshots of positions and margin tiers: files, and what status and verify say of them."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factories import DAY, HOUR, T0

import liqcli
from liqcli.core.margin_tiers import MarginTier
from liqcli.core.positions import OpenPosition
from liqcli.lake.margin_tiers import write_margin_tiers
from liqcli.lake.positions import find_positions, write_positions
from liqcli.lake.snapshots import POSITIONS, list_snapshots
from liqcli.lake.store import Lake

LONG = OpenPosition("SOLUSDC", "long", 10.0, 1000.0, 100.0, 80.0, 5.0)
SHORT = OpenPosition("SOLUSDC", "short", 4.0, None, 100.0, None, None)
OTHER = OpenPosition("ETHUSDC", "long", 1.0, 2000.0, 2000.0, 1500.0, 4.0)
TIER = MarginTier("BTCUSDT", 0.0, 0.004, 0.0, 150.0)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def test_snapshots_within_a_millisecond_are_two_files(lake):
    assert write_positions(lake, "hyperliquid", "import", T0 + 1_000, [LONG]) == (1, 0)
    assert write_positions(lake, "hyperliquid", "import", T0 + 1_001, [SHORT]) == (1, 0)
    assert write_positions(lake, "hyperliquid", "import", T0 + 1_001, [SHORT]) == (0, 1)
    names = [file.name for file in list_snapshots(lake, POSITIONS)]
    assert names == ["import-000000001", "import-000000001001"]
    (found,), damaged = find_positions(lake, "SOL", T0, T0 + HOUR)
    assert (found.ts_us, found.source, found.positions, damaged) == (T0 + 1_001, "import", (SHORT,), [])


def test_status_lists_positions(lake, run_cli):
    write_positions(lake, "hyperliquid", "import", T0, [LONG, SHORT, OTHER])
    write_positions(lake, "hyperliquid", "import", T0 + DAY, [LONG])
    shown = run_cli("status", "--lake", str(lake.root), "--format", "json", "-s", "SOL", check=0)
    (row,) = json.loads(shown.stdout)
    assert (row["exchange"], row["symbol"], row["source"], row["kind"]) == (
        "hyperliquid", "SOLUSDC", "import", "positions"
    )  # fmt: skip
    assert (row["first"], row["last"]) == ("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")
    assert (row["events"], row["files"], row["notional"], row["gaps"]) == (3, 2, None, [])
    whole = sum(file.path.stat().st_size for file in list_snapshots(lake, POSITIONS))
    held = liqcli.Lake(lake.root).status()
    assert sum(row.size for row in held.rows) == pytest.approx(whole, abs=2)  # shared by the symbols of a file
    assert held.damaged == ()


def test_a_damaged_snapshot_is_named(lake, run_cli):
    write_positions(lake, "hyperliquid", "import", T0, [LONG])
    (file,) = list_snapshots(lake, POSITIONS)
    file.path.write_bytes(b"no Parquet")
    assert liqcli.Lake(lake.root).status().damaged == (file.path,)
    shown = run_cli("verify", "--lake", str(lake.root), check=5)
    assert "positions/exchange=hyperliquid/date=2026-03-01/import-000000000.parquet" in shown.stdout
    assert "damaged or no snapshot of positions (" in shown.stdout
    assert "remove it" not in shown.stdout
    assert "to do: move it away, and import its file again" in shown.stdout


def test_sound_snapshots_pass(lake):
    write_positions(lake, "hyperliquid", "import", T0, [LONG, SHORT, OTHER])
    write_margin_tiers(lake, "binance", T0, [TIER])
    verdict = liqcli.Lake(lake.root).verify()
    assert (verdict.files, verdict.rows, verdict.issues) == (2, 4, [])


def test_impossible_values_and_places_are_found(lake):
    write_positions(lake, "hyperliquid", "import", T0, [LONG._replace(size=-1.0), OTHER])
    path = write_margin_tiers(lake, "binance", T0 + DAY, [TIER._replace(floor=5.0)])
    moved = path.parent.with_name("date=2026-03-04") / path.name
    moved.parent.mkdir()
    path.rename(moved)
    (lake.root / "positions" / "notes.txt").write_text("mine")
    (file,) = list_snapshots(lake, POSITIONS)
    table = pq.read_table(file.path)
    times = pa.array([T0, T0 + 1], pa.timestamp("us"))
    pq.write_table(table.set_column(0, "ts", times), file.path)
    found = [(issue.path.name, issue.what, issue.damage) for issue in liqcli.Lake(lake.root).verify().issues]
    assert found == [
        ("binance.parquet", "1 row of another day than its folder", True),
        ("binance.parquet", "BTCUSDT: the first tier does not start at 0", True),
        ("import-000000000.parquet", "SOLUSDC: size or entry price is not above zero", True),
        ("import-000000000.parquet", "holds several instants, a snapshot of positions holds one", True),
        ("notes.txt", "is where no command reads it", False),
    ]
