"""Convert blocks of Tardis CSV lines to blocks of rows; every line that is not plain goes to the row parser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from liqcli.core.errors import ROW_ERRORS
from liqcli.core.model import Liquidation
from liqcli.ingest.files.block_cells import BlockCells, CellKind, read_cells
from liqcli.ingest.files.block_rows import Amounts, build_block, is_sound, read_us
from liqcli.ingest.files.csv_layout import Layout
from liqcli.ingest.files.json_records import csv_rows
from liqcli.ingest.files.row_reader import Item, convert_rows
from liqcli.ingest.files.text_blocks import TextBlock
from liqcli.sources.tardis import files as tardis_files

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_KINDS: dict[str, CellKind] = {
    "exchange": "word",
    "symbol": "word",
    "side": "word",
    "timestamp": "text",
    "id": "text",
    "price": "number",
    "amount": "number",
}


class _Series(NamedTuple):
    """What all rows of one exchange and instrument share."""

    exchange: str
    symbol: str
    price_kind: str
    full_since_us: int
    in_usd: bool
    size: float
    counted: bool


def convert_blocks(
    name: str,
    blocks: Iterable[TextBlock],
    header: Sequence[str],
    sizes: Mapping[str, float],
    parse: Callable[[Mapping[str, str]], Liquidation],
    now_us: int,
) -> Iterator[Item | pa.Table]:
    """Yield the rows of the file ``name`` in blocks, and the others as ``parse`` reads them, in the order of lines."""
    import numpy as np

    kinds = {column: kind for column, kind in _KINDS.items() if column in header}
    layout = Layout(",", list(header))
    for block in blocks:
        cells = read_cells(block, header, kinds)
        sound, rows = _convert(cells, sizes, now_us)
        if len(rows):
            yield rows
        others = np.sort(np.concatenate([cells.left_out, cells.places[~sound]]))
        yield from convert_rows(name, csv_rows(block.lines(others), layout), parse, now_us)


def _convert(cells: BlockCells, sizes: Mapping[str, float], now_us: int) -> tuple[NDArray[np.bool_], pa.Table]:
    """Return which rows can be stored as they are, and a block of these."""
    import numpy as np
    import pyarrow as pa

    columns = cells.columns
    venues, instruments, sides = (columns[word].dictionary.to_pylist() for word in ("exchange", "symbol", "side"))
    venue, instrument, side = (np.asarray(columns[word].indices) for word in ("exchange", "symbol", "side"))
    pair = venue.astype(np.int64) * len(instruments) + instrument
    pairs = np.flatnonzero(np.bincount(pair)) if len(venues) * len(instruments) < 1_000_000 else np.unique(pair)
    pair = np.searchsorted(pairs, pair)
    found = [
        _find_series(venues[code // len(instruments)], instruments[code % len(instruments)], sizes) for code in pairs
    ]
    known = [series or _UNKNOWN for series in found]
    positions = [tardis_files.POSITION_OF_SIDE.get(word.strip().lower()) for word in sides]

    ts, is_time = read_us(columns["timestamp"])
    price, amount = (np.asarray(columns[word]) for word in ("price", "amount"))
    with np.errstate(all="ignore"):
        amounts = Amounts.of(
            price, amount, np.array([s.size for s in known])[pair], np.array([s.in_usd for s in known], bool)[pair]
        )
    sound = is_sound(ts, amounts, now_us) & is_time
    sound &= np.array([series is not None for series in found], bool)[pair]
    sound &= np.array([position is not None for position in positions], bool)[side]
    uncounted = ~np.array([s.counted for s in known], bool)[pair]
    since = np.array([s.full_since_us for s in known], np.int64)[pair]
    return sound, build_block(
        sound,
        ts,
        amounts,
        contracts=pa.array(amount, mask=uncounted),
        contract_size=pa.array(amounts.size, mask=uncounted),
        words={
            "exchange": (pair, [s.exchange for s in known]),
            "symbol": (pair, [s.symbol for s in known]),
            "instrument": (instrument, instruments),
            "position": (side, [position or "" for position in positions]),
            "price_kind": (pair, [s.price_kind for s in known]),
            "completeness": ((ts >= since).astype(np.int32), ["sampled", "full"]),
            "source": (np.zeros(len(ts), np.int32), ["tardis"]),
        },
        event_id=columns.get("id") or pa.nulls(len(ts), pa.string()),
    )


_UNKNOWN = _Series("", "", "", 0, in_usd=False, size=1.0, counted=False)


def _find_series(venue_id: str, instrument: str, sizes: Mapping[str, float]) -> _Series | None:
    """Return what rows of an instrument share; None if the row parser rejects it or has to look at each row."""
    try:
        contract = tardis_files.read_contract(venue_id, instrument)
        size = tardis_files.find_size(contract, instrument, sizes)
    except ROW_ERRORS:
        return None
    if contract.unit == "quote" and contract.kind == "inverse":
        return None
    venue = tardis_files.VENUES[venue_id]
    return _Series(
        venue.exchange,
        contract.symbol,
        venue.price_kind,
        tardis_files.full_since_us(venue_id),
        in_usd=contract.unit == "quote" or (contract.unit == "contracts" and contract.kind == "inverse"),
        size=size,
        counted=contract.unit == "contracts",
    )
