"""What files contain, from their footers: the same as from their rows."""

from __future__ import annotations

import duckdb
import pytest
from factories import DAY, HOUR, T0, fill_lake, make_liquidation

from liqcli.core.errors import DamagedError
from liqcli.lake.inventory import FOREVER_US, read_extents, read_inventory
from liqcli.lake.selection import Query, build_selection
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine

FIELDS = ("partition", "path", "first_us", "last_us", "events", "full", "fill", "later")
KINDS = tuple(kinds.split() for kinds in ("bankruptcy fill order", "bankruptcy trigger", "fill order", "order", "fill"))


@pytest.fixture
def store(lake) -> Lake:
    """Five exchanges with up to three price kinds, in three months; on every other one some rows are sampled."""
    rows = []
    for number, (exchange, kinds) in enumerate(zip(("gate", "okx", "htx", "bybit", "aster"), KINDS, strict=True)):
        for k in range(12):
            completeness = "sampled" if number % 2 and k % 3 else "full"
            words = {
                "exchange": exchange,
                "source": exchange,
                "price_kind": kinds[k % len(kinds)],
                "completeness": completeness,
            }
            rows.append(make_liquidation(T0 + k * 7 * DAY, 100 + k, **words))
    return fill_lake(lake, rows)


def describe(files):
    return [tuple(getattr(file, name) for name in FIELDS) for file in files]


@pytest.mark.parametrize("end_us", [T0, T0 + 1, T0 + 7 * DAY, T0 + 7 * DAY + 1, T0 + 40 * DAY, FOREVER_US])
def test_footers_state_what_rows_do(store, end_us) -> None:
    with DuckDBEngine() as engine:
        files, damaged = read_extents(engine, store, store.partitions(), end_us=end_us)
        scanned, _ = read_inventory(engine, store, store.partitions(), end_us=end_us)
    assert describe(files) == describe(scanned)
    assert damaged == []


def test_files_outside_a_window_are_not_scanned(store, monkeypatch) -> None:
    """A window of March reads the rows of March alone, except where two price kinds enclose a third one."""
    opened = []
    create = DuckDBEngine._create_file_view
    monkeypatch.setattr(
        DuckDBEngine,
        "_create_file_view",
        lambda self, name, paths, *more: opened.extend(paths) or create(self, name, paths, *more),
    )
    with DuckDBEngine() as engine:
        build_selection(engine, store, Query("SOLUSDT", since="2026-04-01", until="2026-05-01", exchanges=("aster",)))
    assert {path.parent.name for path in opened} == {"month=2026-04"}


def rewrite(path, columns: str, options: str = "") -> None:
    other = path.with_suffix(".new")
    duckdb.execute(f"COPY (SELECT {columns} FROM read_parquet('{path}')) TO '{other}' (FORMAT parquet{options})")
    other.replace(path)


@pytest.mark.parametrize(
    "columns",
    [
        "* REPLACE (ts::TIMESTAMP_S AS ts)",
        "* REPLACE (ts::TIMESTAMPTZ AS ts)",
        "* REPLACE (nullif(price_kind, 'fill') AS price_kind)",
    ],
)
def test_files_of_other_programs_are_scanned(store, columns) -> None:
    """Other units of time, and columns with nulls, whose statistics say nothing about the nulls."""
    for partition in store.partitions():
        rewrite(partition.path(store.root), columns)
    with DuckDBEngine() as engine:
        files, _ = read_extents(engine, store, store.partitions())
        assert describe(files) == describe(read_inventory(engine, store, store.partitions())[0])
    assert sum(file.events for file in files) == 60


def test_unreadable_files_are_named_and_the_others_used(store) -> None:
    partitions = store.partitions()
    paths = [p.path(store.root) for p in partitions]
    paths[3].write_bytes(b"PAR1 and no footer")
    rewrite(paths[5], "* EXCLUDE (notional)")
    with DuckDBEngine() as engine:
        files, damaged = read_extents(engine, store, partitions)
        assert damaged == [paths[3], paths[5]]
        assert len(files) == len(partitions) - 2
        for path in paths:
            path.write_bytes(b"")
        with pytest.raises(DamagedError, match=r"nothing readable: .*aster.*run liqcli verify"):
            read_extents(engine, store, partitions)


def test_an_empty_folder_is_no_stored_symbol(lake) -> None:
    """SOL means all contracts on it; the folder of SOLUSDC has lost its file."""
    store = fill_lake(lake, [make_liquidation(T0 + HOUR)])
    (lake / "liquidations/exchange=gate/symbol=SOLUSDC/month=2026-03").mkdir(parents=True)
    with DuckDBEngine() as engine:
        chosen = build_selection(engine, store, Query("SOL", since="2026-03-01", until="2026-03-02"))
    assert chosen.symbols == ("SOLUSDT",)
    assert store.symbols() == ["SOLUSDT"]
    assert store.named_symbols() == {"SOLUSDT", "SOLUSDC"}
