"""Check the rows of readable files with the ``verify_*`` queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from liqcli.core.formatting import format_count, format_time
from liqcli.core.instruments import read_contract
from liqcli.core.market_data import INTERVAL_US
from liqcli.core.model import CLOCK_SKEW_US, EARLIEST_US, LARGEST_NOTIONAL, SAMPLE_SOURCE, SMALLEST_NOTIONAL
from liqcli.core.symbols import split_symbol
from liqcli.core.times import now_us
from liqcli.lake.partitions import Partition, month_bounds
from liqcli.lake.verify.dated_contracts import dated_symbol
from liqcli.lake.verify.issues import Issue, Repairs
from liqcli.query.duckdb_engine import DuckDBEngine

if TYPE_CHECKING:
    import pyarrow as pa

Batch = Sequence[tuple[Partition, "pa.Table"]]

DOLLARS = ("USDT", "USDC", "USD", "BUSD", "FDUSD", "TUSD", "USDE")
# Prices of one event differ by a few percent between kinds; a missing contract size is a factor of ten or more.
FACTOR = 1.5
NEAR_REPEAT_US = 2_000_000
SHORTEST_RUN = 8  # consecutive rows that all have duplicates are no coincidence

FAULTS: Mapping[str, str] = {
    "time": "ts is missing or outside 2015..now",
    "month": "ts lies in another month than the file",
    "order": "ts is before that of the row above: not in time order",
    "source": "source is not the file's name",
    "instrument": "instrument is missing",
    "position": "position is neither long nor short",
    "price_kind": "price_kind is not fill, order, bankruptcy or trigger",
    "completeness": "completeness is neither full nor sampled",
    "price": "price is not a positive finite number",
    "qty": "qty is not a positive finite number",
    "notional": f"notional is not a number from {SMALLEST_NOTIONAL:g} to {LARGEST_NOTIONAL:g} USD",
    "product": "notional is far from price x qty",
    "product_explained": "qty is far from notional / price, though contracts x contract_size is not",
    "twice": "ts occurs twice",
    "ohlc": "a price is not a positive finite number",
    "range": "open or close lies outside low..high",
    "volume": "volume is negative or not finite",
    "grid": "the open time is not a multiple of the interval",
    "jump": "a candle opens more than 20% from the previous close: another contract?",
    "interest_jump": "open interest is 5 times, or a fifth of, the one before it (within an hour): another contract?",
    "silent": "neither coins nor USD are stated",
    "open_interest": "open interest is negative or not finite",
    "total": "an amount is negative or not finite, the total missing or not the sum of both sides",
}
SUSPICIONS = ("product_explained", "grid", "jump", "interest_jump")


def check_rows(engine: DuckDBEngine, repairs: Repairs, kind: str, batch: Batch) -> list[Issue]:
    """Check the rows of some files of one kind."""
    _open(engine, batch)
    issues = list(_name(repairs, batch, engine.run("verify_times", _time_limits())))
    if kind == "liquidations":
        issues += _name(repairs, batch, engine.run("verify_liquidations", _limits()))
        issues += _name_doubled(repairs, batch, engine.run("verify_doubled", {"shortest": SHORTEST_RUN}))
        issues += _name_near_repeats(repairs, batch, engine.run("verify_near_repeats", {"reach_us": NEAR_REPEAT_US}))
        issues += _check_instruments(repairs, batch)
    elif kind == "candles":
        issues += _name(repairs, batch, engine.run("verify_candles"))
    elif kind == "open_interest":
        issues += _name(repairs, batch, engine.run("verify_open_interest"))
    else:
        issues += _name(repairs, batch, engine.run("verify_liquidation_totals"))
    return issues


def check_values(engine: DuckDBEngine, repairs: Repairs, batch: Batch) -> list[Issue]:
    """Check only the values of liquidations: positive finite numbers, known words; damage only."""
    _open(engine, batch)
    return [issue for issue in _name(repairs, batch, engine.run("verify_liquidations", _limits())) if issue.damage]


def _limits() -> dict[str, float]:
    return {"largest": LARGEST_NOTIONAL, "smallest": SMALLEST_NOTIONAL, "factor": FACTOR}


def _open(engine: DuckDBEngine, batch: Batch) -> None:
    """Register the rows as ``checked``, and the properties of their files as ``places``."""
    import numpy as np
    import pyarrow as pa

    tables = []
    for number, (_partition, table) in enumerate(batch):
        lines = pa.array(np.arange(1, table.num_rows + 1, dtype=np.int64))
        files = pa.array(np.full(table.num_rows, number, dtype=np.int64))
        tables.append(table.append_column("file", files).append_column("line", lines))
    engine.register("checked", pa.concat_tables(tables))
    bounds = [month_bounds(partition.month) for partition, _table in batch]
    places = {
        "file": pa.array(range(len(batch)), pa.int64()),
        "start_us": pa.array([start for start, _end in bounds], pa.int64()),
        "end_us": pa.array([end for _start, end in bounds], pa.int64()),
        "source": pa.array([partition.source for partition, _table in batch], pa.string()),
        "step_us": pa.array([INTERVAL_US.get(partition.interval, 1) for partition, _table in batch], pa.int64()),
        "in_dollars": pa.array([split_symbol(partition.symbol)[1] in DOLLARS for partition, _table in batch]),
    }
    engine.register("places", pa.table(places))


def _time_limits() -> dict[str, int]:
    return {"earliest_us": EARLIEST_US, "latest_us": now_us() + CLOCK_SKEW_US}


def _name(repairs: Repairs, batch: Batch, columns: Mapping[str, Any]) -> Iterator[Issue]:
    for number, fault, found, line in zip(*columns.values(), strict=True):
        partition, table = batch[number]
        damage = fault not in SUSPICIONS
        rows = f"{format_count(int(found))} of {format_count(table.num_rows)} rows, the first is row {int(line):,}"
        yield Issue(
            partition.path(repairs.lake.root),
            f"{FAULTS[fault]} ({rows})",
            _mend(repairs, partition, fault) if damage else "inspect these rows",
            damage=damage,
            found=int(found),
            line=int(line),
        )


def _mend(repairs: Repairs, partition: Partition, fault: str) -> str:
    """Suggest a repair: fetching again replaces the rows of a month; rows outside it are removed with their file."""
    mend = repairs.suggest(partition)
    misplaced = fault in ("time", "month") and not mend.startswith("move")
    return f"move it away, then: {mend}" if misplaced else mend


def _name_doubled(repairs: Repairs, batch: Batch, columns: Mapping[str, Any]) -> Iterator[Issue]:
    for number, first_us, last_us, doubled, extra, different in zip(*columns.values(), strict=True):
        partition, _table = batch[number]
        span = f"{format_time(int(first_us))} to {format_time(int(last_us))} UTC"
        which = "every row" if doubled == different else f"each of {format_count(int(doubled))} consecutive rows"
        yield Issue(
            partition.path(repairs.lake.root),
            f"{which} occurs more than once, {span}: {format_count(int(extra))} rows may be duplicates",
            f"if these are not separate events: {repairs.suggest(partition)}",
            damage=False,
            found=int(extra),
        )


def _name_near_repeats(repairs: Repairs, batch: Batch, columns: Mapping[str, Any]) -> Iterator[Issue]:
    """Report near repeats of imported files only: the times of an exchange distinguish orders of equal size."""
    for number, found, line in zip(*columns.values(), strict=True):
        partition, table = batch[number]
        if partition.source in (SAMPLE_SOURCE, *repairs.known.fetched, *repairs.known.recorded):
            continue
        rows = f"{format_count(int(found))} of {format_count(table.num_rows)} rows"
        yield Issue(
            partition.path(repairs.lake.root),
            f"{rows} equal another in all but the time (within 2 s), the first is row {int(line):,}",
            "if these are times of receipt: liqcli import --drop-near-repeats --replace FILE",
            damage=False,
            found=int(found),
            line=int(line),
        )


def _check_instruments(repairs: Repairs, batch: Batch) -> Iterator[Issue]:
    """Report instruments stored under the symbol of another one."""
    for partition, table in batch:
        names = [str(name) for name in table.column("instrument").unique().to_pylist() if name]
        dated = sorted(name for name in names if dated_symbol(partition, name))
        strange = [
            name for name in names if name not in dated and _symbol_of(partition, name) not in ("", partition.symbol)
        ]
        if dated:
            yield Issue(
                path=partition.path(repairs.lake.root),
                what=f"has dated contracts under another symbol: {', '.join(dated[:3])}",
                do="liqcli verify --move-dated",
            )
        if strange:
            yield Issue(
                path=partition.path(repairs.lake.root),
                what=f"has instruments of another symbol: {', '.join(sorted(strange)[:3])}",
                do=f"if they are not {partition.symbol}: {repairs.suggest(partition)}",
                damage=False,
            )


def _symbol_of(partition: Partition, instrument: str) -> str:
    """Return the symbol that an instrument's name implies, empty if none."""
    try:
        symbol = read_contract(partition.exchange, instrument).symbol
    except ValueError:
        return ""
    return symbol if split_symbol(symbol)[1] else ""
