"""Find the symbols whose rows are invalid, and say which row of which file is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liqcli.core.errors import DamagedError
from liqcli.core.known_sources import KnownSources
from liqcli.core.model import COMPLETENESS, PRICE_KINDS, SIDES
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake
from liqcli.lake.verify.file_check import read_partition
from liqcli.lake.verify.issues import Repairs
from liqcli.lake.verify.row_check import check_values
from liqcli.query.columns import Totals
from liqcli.query.duckdb_engine import DuckDBEngine


@dataclass(frozen=True, slots=True)
class InvalidSymbol:
    """A symbol that is left out, the file with invalid rows, and what is wrong with which row."""

    symbol: str
    path: Path
    reason: str


def count_invalid(totals: Totals) -> dict[str, int]:
    """Count the invalid rows of each symbol that has some: unknown values, or numbers that are not positive."""
    found: dict[str, int] = {}
    columns = (totals.symbol, totals.position, totals.price_kind, totals.completeness, totals.events, totals.invalid)
    for symbol, position, kind, completeness, events, wrong in zip(*columns, strict=True):
        known = position in SIDES and kind in PRICE_KINDS and completeness in COMPLETENESS
        if count := int(wrong if known else events):
            found[str(symbol)] = found.get(str(symbol), 0) + count
    return found


def explain_invalid(lake: Lake, partitions: Sequence[Partition], symbols: Sequence[str]) -> list[InvalidSymbol]:
    """Name the first file of each symbol with an invalid row, and the row."""
    repairs = Repairs(lake, KnownSources((), (), ()))
    found: list[InvalidSymbol] = []
    with DuckDBEngine() as engine:
        for symbol in symbols:
            reason: tuple[Path, str] = lake.root, "a row is invalid"
            for partition in partitions:
                if partition.symbol != symbol or not (issues := _check(lake, engine, repairs, partition)):
                    continue
                reason = partition.path(lake.root), issues[0]
                break
            found.append(InvalidSymbol(symbol, *reason))
    return found


def _check(lake: Lake, engine: DuckDBEngine, repairs: Repairs, partition: Partition) -> list[str]:
    try:
        table = read_partition(lake, partition)
    except (DamagedError, OSError):  # reported as a damaged file
        return []
    return [issue.what for issue in check_values(engine, repairs, [(partition, table)])]
