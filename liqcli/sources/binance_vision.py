"""The COIN-M ``liquidationSnapshot`` archive of data.binance.vision: a zip with one CSV a day and contract.

exchange: binance
docs: https://data.binance.vision/?prefix=data/futures/cm/daily/liquidationSnapshot/; read 2026-11-22
gives: 2023-06-25 to 2024-10-14, a file a day, in time order; the USD-M twin was deleted
limits: none for files on disk
side: the order's side: SELL = a long was liquidated
price: `average_price`, the fill; `price` is the order's limit
qty: `accumulated_fill_quantity` in contracts of 100 USD (BTC) or 10 USD (others)
time: `time` [ms UTC]
completeness: sampled, as the forceOrder stream (at most one order a symbol a second)
changed: every row stands twice (binance-public-data#337): where all counts are even half are kept, else one each
fixture: tests/sources/test_binance_vision.py (the three rows of peers.md section 6 number 11)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from liqcli.model import Liquidation
from liqcli.sources.binance_stream import parse_order

COLUMNS = (
    "time",
    "side",
    "order_type",
    "time_in_force",
    "original_quantity",
    "price",
    "average_price",
    "order_status",
    "last_fill_quantity",
    "accumulated_fill_quantity",
)
_FILE_NAME = re.compile(
    r"^([A-Z0-9]+_(?:PERP|\d{6}))-liquidationSnapshot-\d{4}-\d{2}-\d{2}\.(?:zip|csv)", re.IGNORECASE
)


def symbol_of_file(name: str) -> str | None:
    """Read the contract out of ``BTCUSD_PERP-liquidationSnapshot-2023-06-25.zip``; None for other names."""
    match = _FILE_NAME.match(name)
    return match[1].upper() if match else None


def parse_row(row: Mapping[str, str], instrument: str) -> Liquidation:
    """
    Turn one archive row into a liquidation.

    Raises
    ------
    ValueError
        Not filled, or a field cannot be read.
    """
    order = {
        "s": instrument,
        "st": 2,
        "S": row["side"],
        "p": row["price"],
        "ap": row["average_price"],
        "X": row["order_status"],
        "z": row["accumulated_fill_quantity"],
        "T": row["time"],
    }
    return parse_order(order)._replace(source="binance-vision")


def undouble(rows: Iterable[Liquidation]) -> tuple[list[Liquidation], int, str]:
    """
    Undo the archive's doubling.

    Returns
    -------
    rows : list of Liquidation
        What is left, in first-seen order.
    dropped : int
        How many rows that took away.
    how : str
        What was done, in words for the user; empty when nothing stood twice.
    """
    counted = Counter(rows)
    if not counted or max(counted.values()) == 1:
        return list(counted), 0, ""
    total = counted.total()
    if all(copies % 2 == 0 for copies in counted.values()):
        kept = [row for row, copies in counted.items() for _ in range(copies // 2)]
        return kept, total - len(kept), "every row stands an even number of times: half of them dropped"
    kept = list(counted)
    return kept, total - len(kept), "some rows stand more than once: one of each kept"
