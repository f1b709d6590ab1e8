"""Summarize the liquidations of the lake in a few numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from liqcli.core.errors import DamagedError
from liqcli.core.model import SAMPLE_SOURCE
from liqcli.lake.inventory import SummedFile, read_inventory
from liqcli.lake.store import Lake


@dataclass(frozen=True, slots=True)
class SymbolContents:
    """
    The liquidations of one symbol on all exchanges.

    ``first_us``, ``last_us`` [µs UTC]; ``notional`` [USD]. Where several sources hold one exchange and month, only the
    largest of them is counted: sources are never added up.
    """

    symbol: str
    exchanges: tuple[str, ...]
    first_us: int
    last_us: int
    events: int
    notional: float


@dataclass(frozen=True, slots=True)
class LakeContents:
    """
    The liquidations of a lake.

    ``symbols``, largest first; ``full`` and ``sampled`` exchanges, by what their sources publish (one can be both);
    ``overlaps`` is True if sources overlap, so that sums are minimums; ``sample`` if some rows are synthetic;
    ``size`` of the files [bytes].
    """

    symbols: tuple[SymbolContents, ...]
    full: tuple[str, ...]
    sampled: tuple[str, ...]
    overlaps: bool
    sample: bool
    size: int
    damaged: tuple[Path, ...]


def read_contents(lake: Lake) -> LakeContents:
    """Read what each file of liquidations contains, and add it up by symbol."""
    partitions = lake.partitions()
    if not partitions:
        return LakeContents((), (), (), overlaps=False, sample=False, size=0, damaged=())
    from liqcli.query.duckdb_engine import DuckDBEngine  # imports DuckDB, which an empty lake does not need

    try:
        with DuckDBEngine() as engine:
            files, damaged = read_inventory(engine, lake, partitions)
    except DamagedError:  # none of them can be read
        files, damaged = [], [p.path(lake.root) for p in partitions]
    counted = _choose_sources(files)
    by_symbol: dict[str, list[SummedFile]] = defaultdict(list)
    for file in files:
        by_symbol[file.partition.symbol].append(file)
    symbols = (_add_up(symbol, held, counted) for symbol, held in by_symbol.items())
    return LakeContents(
        symbols=tuple(sorted(symbols, key=lambda item: (-item.notional, item.symbol))),
        full=_names(file for file in files if file.full),
        sampled=_names(file for file in files if not file.full),
        overlaps=len(counted) < len(files),
        sample=any(file.partition.source == SAMPLE_SOURCE for file in files),
        size=sum(file.path.stat().st_size for file in files),
        damaged=tuple(damaged),
    )


def _choose_sources(files: Iterable[SummedFile]) -> set[Path]:
    """Choose the file with the most USD of each exchange, symbol and month."""
    largest: dict[tuple[str, str, str], SummedFile] = {}
    for file in files:
        key = (file.partition.exchange, file.partition.symbol, file.partition.month)
        if key not in largest or file.usd_e6 > largest[key].usd_e6:
            largest[key] = file
    return {file.path for file in largest.values()}


def _add_up(symbol: str, held: list[SummedFile], counted: set[Path]) -> SymbolContents:
    chosen = [file for file in held if file.path in counted]
    return SymbolContents(
        symbol,
        _names(held),
        min(file.first_us for file in held),
        max(file.last_us for file in held),
        sum(file.events for file in chosen),
        sum(file.usd_e6 for file in chosen) / 1e6,
    )


def _names(files: Iterable[SummedFile]) -> tuple[str, ...]:
    return tuple(sorted({file.partition.exchange for file in files}))
