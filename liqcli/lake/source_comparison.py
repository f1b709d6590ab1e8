"""Compare two sources of the same exchange and time: the one that counts and the one left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from liqcli.core.choices import PositionFilter
from liqcli.core.formatting import format_count, format_duration, format_share, format_usd
from liqcli.lake.inventory import StoredFile
from liqcli.lake.source_ranking import ExcludedSource
from liqcli.query.query_engine import QueryEngine


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a period; ``notional`` and ``long_notional`` in USD."""

    events: int = 0
    notional: float = 0.0
    long_notional: float = 0.0

    @property
    def text(self) -> str:
        """The sums in words, with the share of longs, which reveals a source with swapped sides."""
        longs = f" ({format_share(self.long_notional, self.notional)} long)" if self.notional else ""
        return f"{format_count(self.events)} events, {format_usd(self.notional)} USD{longs}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A source that was left out for ``length_us``, and the sources ``counted`` there instead."""

    exchange: str
    symbol: str
    source: str
    counted: tuple[str, ...]
    length_us: int
    left_out: Totals
    instead: Totals

    @property
    def text(self) -> str:
        """The comparison as one sentence."""
        return (
            f"{self.exchange} {self.symbol}: {', '.join(self.counted)} counted and {self.source} left out for the "
            f"{format_duration(self.length_us)} that both cover: {self.instead.text}, against {self.left_out.text}"
        )


def compare_sources(
    engine: QueryEngine,
    excluded: Sequence[ExcludedSource],
    files: Sequence[StoredFile],
    position: PositionFilter,
    min_usd: float,
) -> tuple[Comparison, ...]:
    """
    Compare the sources left out with those counted instead, over the files open as ``stored``.

    Parameters
    ----------
    excluded : sequence of ExcludedSource
        Which source was left out when, and the sources counted there.
    files : sequence of StoredFile
        The open files.
    position, min_usd : str, float
        The filters of the report, which apply to both sides. [USD]
    """
    if not excluded:
        return ()
    engine.register("compared", _list_intervals(excluded, files))
    columns = engine.run("compare_sources", {"position": position, "min_notional": min_usd})
    recorded = {
        (int(pair), bool(left_out)): Totals(int(events), int(usd) / 1e6, int(longs) / 1e6)
        for pair, left_out, events, usd, longs in zip(*columns.values(), strict=True)
    }
    return tuple(
        Comparison(
            left.exchange, left.symbol, left.source, tuple(left.instead), left.length_us,
            recorded.get((number, True), Totals()), recorded.get((number, False), Totals()),
        )
        for number, left in enumerate(excluded)
    )  # fmt: skip


def _list_intervals(excluded: Sequence[ExcludedSource], files: Sequence[StoredFile]) -> Any:  # noqa: ANN401 - an Arrow table
    import pyarrow as pa

    rows = [
        (number, source == left.source, str(held.path), start, end)
        for number, left in enumerate(excluded)
        for source, intervals in ((left.source, left.intervals), *left.instead.items())
        for held in files
        if (held.partition.exchange, held.partition.symbol, held.partition.source)
        == (left.exchange, left.symbol, source)
        for start, end in intervals
    ]
    kinds = (pa.int64(), pa.bool_(), pa.string(), pa.int64(), pa.int64())
    names = ("pair", "left_out", "filename", "start_us", "end_us")
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table({name: pa.array(column, kind) for name, column, kind in zip(names, columns, kinds, strict=True)})
