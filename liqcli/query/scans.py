"""
Functions that run one SQL file over the events of a window and return its typed columns.

Each reads ``liquidations``, a table or a view of files, once. What follows from the sums is computed on the columns, in
``liqcli.analysis``, which does not know the engine. Money is summed as integers, so no result depends on row order or
number of threads.

All functions raise ``DamagedError`` when a file turns out damaged while its rows are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from liqcli.core.errors import DamagedError
from liqcli.core.times import MINUTE_US
from liqcli.query.columns import (
    BinRows,
    BurstPrices,
    HeatmapRows,
    HourRows,
    Ints,
    LargestRows,
    LastPrintRows,
    LevelEventRows,
    MinuteRows,
    OrderPrintRows,
    PriceExtent,
    ProfileRows,
    RingRows,
    SymbolMinuteRows,
    Totals,
    TraceRows,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqcli.core.model import BinWidth
    from liqcli.query.query_engine import Params, QueryEngine

Rows = TypeVar("Rows")
MOST_E6 = 2**63 - 1  # sums are 64-bit integers [1e-6 USD]


def scan_totals(engine: QueryEngine) -> Totals:
    """
    Sum the window per exchange, symbol, source, position, price kind and completeness.

    Raises
    ------
    DamagedError
        The events add up to more USD than any market has, so no sum of them would be right.
    """
    totals = _read(engine, "totals", Totals)
    if (usd_e6 := sum(totals.notional_e6.tolist())) > MOST_E6:
        raise DamagedError(
            f"the events of the window add up to {usd_e6 // 10**6:,} USD, more than can be summed exactly "
            f"({MOST_E6 // 10**6:,}); check the unit of the amounts, or choose a shorter window"
        )
    return totals


def scan_profile(engine: QueryEngine) -> ProfileRows:
    """Sum the window at each distinct price."""
    return _read(engine, "price_profile", ProfileRows)


def scan_heatmap(
    engine: QueryEngine, bucket_us: int, bin_: BinWidth, price_low: float, price_high: float
) -> HeatmapRows:
    """Sum the events in ``[price_low, price_high)`` [quote] per time bucket, price bin and position."""
    bounds = {"price_low": price_low, "price_high": price_high}
    return _read(engine, "heatmap", HeatmapRows, {"bucket_us": bucket_us, **_width("bin", bin_), **bounds})


def scan_hours(engine: QueryEngine, step_us: int, cycle_us: int) -> HourRows:
    """Sum the window per step of time and position; with a cycle [µs] by time within it, 0 for none."""
    return _read(engine, "hours", HourRows, {"step_us": step_us, "cycle_us": cycle_us})


def scan_level_events(engine: QueryEngine, step_us: int) -> LevelEventRows:
    """Sum the window per step of time and position, with the number of orders."""
    return _read(engine, "level_events", LevelEventRows, {"step_us": step_us})


def scan_order_prints(engine: QueryEngine) -> OrderPrintRows:
    """Sum the window per second, position and price."""
    return _read(engine, "order_prints", OrderPrintRows)


def scan_trace(engine: QueryEngine, bucket_us: int) -> TraceRows:
    """Find the last price printed in each time bucket."""
    return _read(engine, "trace", TraceRows, {"bucket_us": bucket_us})


def scan_last_prints(engine: QueryEngine) -> LastPrintRows:
    """Find the last event of each price kind."""
    return _read(engine, "last_prints", LastPrintRows)


def scan_rings(engine: QueryEngine, last_price: float, step: BinWidth, price_low: float, price_high: float) -> RingRows:
    """Sum the events in ``[price_low, price_high)`` [quote] per ring of distance from the last price, and position."""
    params = {"last_price": last_price, **_width("step", step), "price_low": price_low, "price_high": price_high}
    return _read(engine, "cumulative", RingRows, params)


def scan_minutes(engine: QueryEngine) -> MinuteRows:
    """Sum the window per clock minute; minutes without events have no row."""
    return scan_symbol_minutes(engine).sum_symbols()


def scan_symbol_minutes(engine: QueryEngine) -> SymbolMinuteRows:
    """Sum the window per symbol and clock minute; minutes without events have no row."""
    return _read(engine, "symbol_minutes", SymbolMinuteRows)


def scan_largest(engine: QueryEngine) -> LargestRows:
    """Find the largest single event of each symbol."""
    return _read(engine, "symbol_largest", LargestRows)


def scan_burst_prices(engine: QueryEngine, first_us: Ints, last_us: Ints) -> BurstPrices:
    """Find first and last event and the prices of bursts, each from minute ``first_us`` to minute ``last_us`` [µs]."""
    import numpy as np
    import pyarrow as pa

    counts = (last_us - first_us) // MINUTE_US + 1
    burst = np.repeat(first_us, counts)
    place = np.arange(len(burst)) - np.repeat(np.cumsum(counts) - counts, counts)
    minutes = {"burst": pa.array(burst), "minute_us": pa.array(burst + MINUTE_US * place)}
    engine.register("burst_minutes", pa.table(minutes))
    return _read(engine, "cascade_prices", BurstPrices)


def scan_extent(engine: QueryEngine, price_low: float, price_high: float) -> PriceExtent:
    """Count and sum the events in ``[price_low, price_high)`` [quote], and find where they begin and end."""
    columns = engine.run("price_extent", {"price_low": price_low, "price_high": price_high})
    row = {name: column[0].item() for name, column in columns.items()}
    return PriceExtent(**row) if row["events"] else PriceExtent(0, 0, 0.0, 0.0, 0)


def scan_cluster_bins(
    engine: QueryEngine, fine: BinWidth, price_low: float, price_high: float, newest_us: int, half_life_us: int | None
) -> BinRows:
    """Sum the events in ``[price_low, price_high)`` [quote] per fine price bin and exchange."""
    params = {
        **_width("bin", fine),
        "price_low": price_low,
        "price_high": price_high,
        "newest_us": newest_us,
        "half_life_us": float(half_life_us or 0),
    }
    return _read(engine, "cluster_bins", BinRows, params)


def scan_active_buckets(engine: QueryEngine, bands: Sequence[tuple[float, float]], bucket_us: int) -> list[int]:
    """Count, for each price band ``[low, high)`` [quote], the time buckets that hold an event in it."""
    import pyarrow as pa

    if not bands:
        return []
    table = {
        "band": pa.array(range(len(bands)), pa.int64()),
        "low": pa.array([low for low, _ in bands], pa.float64()),
        "high": pa.array([high for _, high in bands], pa.float64()),
    }
    engine.register("bands", pa.table(table))
    counts: list[int] = engine.run("active_buckets", {"bucket_us": bucket_us})["buckets"].tolist()
    return counts


def _read(engine: QueryEngine, query: str, kind: type[Rows], params: Params | None = None) -> Rows:
    columns: Mapping[str, Any] = engine.run(query, params)
    return kind(**{field.name: columns[field.name] for field in fields(kind)})  # type: ignore[arg-type]


def _width(name: str, width: BinWidth) -> dict[str, float]:
    """Write a width as the two whole numbers that a query divides."""
    return {f"{name}_num": float(width.num), f"{name}_den": float(width.den)}
