"""Find the last and the largest events of very many in the few row groups that can hold them, by their statistics."""

from __future__ import annotations

import numpy as np

from liqcli.query.columns import LargestRows, LastPrintRows
from liqcli.query.file_parts import StoredGroup, iter_batches, none_if_not_plain
from liqcli.query.file_sums import FileSums
from liqcli.query.plain_rows import Filters, Rows, read_rows, to_integers

COLUMNS = ("ts", "position", "price", "notional")


@none_if_not_plain
def find_last_prints(sums: FileSums) -> LastPrintRows:
    """Find the last event of each price kind, as ``last_prints.sql`` does."""
    dated = all(map(_is_dated, sums.totals.symbol.tolist()))
    found: dict[str, tuple[int, int, float]] = {}
    for stored in sorted(sums.groups, key=lambda stored: stored.ts_us[1], reverse=True):
        kind, known = stored.group.price_kind, found.get(stored.group.price_kind)
        if _is_dated(stored.group.symbol) != dated or (known and known[0] > stored.ts_us[1]):
            continue
        rows = _read(stored, sums.filters)
        if len(rows.ts):
            last = rows.ts == rows.ts.max()
            prints = zip(rows.ts[last].tolist(), rows.usd_e6[last].tolist(), rows.price[last].tolist(), strict=True)
            found[kind] = max(*prints, known or (0, 0, 0.0))
    kinds = sorted(found)
    return LastPrintRows(
        price_kind=np.array(kinds, dtype=np.object_),
        ts_us=np.array([found[kind][0] for kind in kinds], np.int64),
        price=np.array([found[kind][2] for kind in kinds], np.float64),
    )


@none_if_not_plain
def find_largest_events(sums: FileSums) -> LargestRows:
    """Find the largest event of each symbol, as ``symbol_largest.sql`` does."""
    tops: dict[str, int] = {}
    for symbol, usd_e6 in zip(sums.totals.symbol.tolist(), sums.totals.largest_e6.tolist(), strict=True):
        tops[symbol] = max(usd_e6, tops.get(symbol, 0))
    events: dict[str, list[tuple[int, str, str, float, str]]] = {symbol: [] for symbol in tops}
    for stored in sums.groups:
        group = stored.group
        if group.symbol not in tops or to_integers(np.array(stored.notional[1:]), 1e6)[0] < tops[group.symbol]:
            continue
        rows = _read(stored, sums.filters)
        for k in np.flatnonzero(rows.usd_e6 == tops[group.symbol]).tolist():
            side, at = "short" if rows.side[k] else "long", float(rows.price[k])
            events[group.symbol].append((int(rows.ts[k]), group.exchange, side, at, group.price_kind))
    symbols = sorted(tops)
    ts_us, exchange, position, price, kind = zip(*(min(events[symbol]) for symbol in symbols), strict=True)
    return LargestRows(
        symbol=np.array(symbols, dtype=np.object_),
        exchange=np.array(exchange, dtype=np.object_),
        position=np.array(position, dtype=np.object_),
        price=np.array(price, np.float64),
        price_kind=np.array(kind, dtype=np.object_),
        ts_us=np.array(ts_us, np.int64),
        notional_e6=np.array([tops[symbol] for symbol in symbols], np.int64),
    )


def _is_dated(symbol: str) -> bool:
    return "-" in symbol


def _read(stored: StoredGroup, filters: Filters) -> Rows:
    batches = [read_rows(batch, stored.group, filters) for batch in iter_batches(stored, COLUMNS)]
    return Rows(*(np.concatenate(columns) for columns in zip(*batches, strict=True)))
