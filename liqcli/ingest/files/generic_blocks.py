"""
Convert blocks of lines of any table to blocks of rows; every line that is not plain goes to the row parser.

Rows with the same words (symbol, side, ...) and the same filled amounts differ in numbers alone, so the row parser
reads the first of them, and the numbers of all are computed as it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from liqcli.core.errors import ROW_ERRORS, MixedSeriesError
from liqcli.core.model import Liquidation, find_fault
from liqcli.ingest.files.amounts import AGREES, find_kind
from liqcli.ingest.files.block_cells import BlockCells, CellKind, read_cells
from liqcli.ingest.files.block_rows import Amounts, build_block, is_sound
from liqcli.ingest.files.block_times import read_times
from liqcli.ingest.files.csv_layout import Layout
from liqcli.ingest.files.generic_rows import TableMap, find_row_contract, parse_record, select_cells
from liqcli.ingest.files.json_records import SourceRow, csv_rows
from liqcli.ingest.files.row_reader import Item, convert_rows
from liqcli.ingest.files.text_blocks import TextBlock
from liqcli.lake.row_blocks import WORDS

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_AMOUNTS = ("qty", "notional", "contracts", "contract_size")
_LONGEST_ID = 200  # bytes; the row parser counts characters
_MOST_KEYS = 2**40


class _Series(NamedTuple):
    """What rows with the same words and the same filled amounts share."""

    row: Liquidation  # the first of them
    is_inverse: bool
    in_dollars: bool


def column_kinds(table: TableMap, layout: Layout) -> dict[str, CellKind] | None:
    """Return the columns to read in blocks; None if only the row parser can read such a table."""
    if layout.unnamed != "none" or len(layout.header) < 2 or not {"ts", "price"} <= set(table.columns):
        return None
    kinds: dict[str, CellKind] = {}
    for word, column in [*table.columns.items(), *(("claim", column) for column, _ in table.claims)]:
        kind: CellKind = "word"
        if word in ("ts", "event_id"):
            kind = "text"
        elif word in ("price", *_AMOUNTS):
            kind = "number" if word == "price" else "amount"
        if column.startswith(":"):
            if kind != "word" and word != "contract_size":
                return None
        elif kinds.setdefault(column, kind) != kind:
            return None
    return kinds


class Chunk(NamedTuple):
    """Cells of some rows of a file, and a function that reads the rows at some places one by one."""

    cells: BlockCells
    read: Callable[[NDArray[np.int64]], Iterator[SourceRow]]


def read_lines(blocks: Iterable[TextBlock], layout: Layout, kinds: Mapping[str, CellKind]) -> Iterator[Chunk]:
    """Yield the lines of a text table."""
    for block in blocks:
        cells = read_cells(block, layout.header, kinds, layout.delimiter)
        yield Chunk(cells, partial(_read_lines, block, layout))


def _read_lines(block: TextBlock, layout: Layout, places: NDArray[np.int64]) -> Iterator[SourceRow]:
    return csv_rows(block.lines(places), layout)


def convert_blocks(name: str, chunks: Iterable[Chunk], table: TableMap, now_us: int) -> Iterator[Item | pa.Table]:
    """Yield the rows of the file ``name`` in blocks, and the others as the row parser reads them, in order of lines."""
    import numpy as np

    known: dict[tuple[Any, ...], _Series] = {}

    def parse(cells: Any) -> Liquidation:  # noqa: ANN401 - column -> cell
        return parse_record(cells, table)

    for cells, read in chunks:
        used, assumed = dict(table.sizes.used), {k: set(v) for k, v in table.assumed_inverse.items()}
        try:
            sound, rows = _convert(cells, table, known, now_us)
            others = np.sort(np.concatenate([cells.left_out, cells.places[~sound]]))
            items = list(convert_rows(name, read(others), parse, now_us))
        except MixedSeriesError:  # which of its rows is the first to be named, the row parser decides
            table.sizes.used = used
            table.assumed_inverse.clear()
            table.assumed_inverse.update(assumed)
            everything = np.sort(np.concatenate([cells.left_out, cells.places]))
            yield from convert_rows(name, read(everything), parse, now_us)
            continue
        if len(rows):
            yield rows
        yield from items


def _convert(
    cells: BlockCells, table: TableMap, known: dict[tuple[Any, ...], _Series], now_us: int
) -> tuple[NDArray[np.bool_], pa.Table]:
    """Return which rows can be stored as they are, and a block of these."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = cells.columns
    ts, sound = read_times(columns[table.columns["ts"]], table.zone is UTC)
    price = np.asarray(columns[table.columns["price"]])
    sound &= (price > 0) & (price < np.inf)
    amounts = {word: columns[name] for word in _AMOUNTS if (name := table.columns.get(word, "")) in columns}
    stated = {word: np.asarray(column.fill_null(1.0)) for word, column in amounts.items()}
    for numbers in stated.values():
        sound &= (numbers > 0) & (numbers < np.inf)
    ids = columns.get(table.columns.get("event_id", ""))
    if ids is None:
        ids = pa.nulls(len(ts), pa.string())
    else:
        sound &= np.asarray(pc.binary_length(ids)) <= _LONGEST_ID
        sound &= np.asarray(
            pc.or_(pc.equal(ids, ""), pc.match_substring_regex(ids, "[0-9A-Za-z]"))
        )  # others may be blank
    words = [name for name, column in columns.items() if pa.types.is_dictionary(column.type)]
    filled = [np.asarray(column.is_valid()) for column in amounts.values()]
    code, firsts = _group_rows([*((np.asarray(columns[n].indices), len(columns[n].dictionary)) for n in words),
                                *((mask, 2) for mask in filled)], sound)  # fmt: skip
    found: list[_Series | None] = []
    for first in firsts.tolist():
        record = {name: column[first].as_py() for name, column in columns.items()}
        key = (*(record[name] for name in words), *(bool(mask[first]) for mask in filled))
        series = known.get(key) or _describe(record, table, now_us)
        if series:
            known[key] = series
        found.append(series)
    if not any(found):
        return np.zeros(len(ts), bool), []
    some = next(series for series in found if series)
    series_of = [series or some for series in found]
    sound &= np.append(np.array([series is not None for series in found]), False)[code]
    has = dict(zip(amounts, filled, strict=True))
    measured, agree = _measure(price, stated, has, series_of, np.minimum(code, len(found) - 1))
    sound &= is_sound(ts, measured, now_us) & agree
    return sound, _build(sound, ts, measured, stated, has, series_of, np.minimum(code, len(found) - 1), ids)


def _group_rows(
    parts: Sequence[tuple[NDArray[Any], int]], sound: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number the groups of sound rows with equal codes; return the number of each row, and the first row of each."""
    import numpy as np

    key, size = np.zeros(len(sound), np.int64), 1
    for codes, count in parts:
        if size * count > _MOST_KEYS:
            key = np.unique(key, return_inverse=True)[1].reshape(-1)
            size = len(key)
        key, size = key * count + codes, size * count
    rows = np.flatnonzero(sound)
    _, firsts, numbers = np.unique(key[rows], return_index=True, return_inverse=True)
    order = np.argsort(firsts)  # the row parser must see them in the order of lines
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    code = np.full(len(sound), len(order), np.intp)
    code[rows] = rank[numbers.reshape(-1)]
    return code, rows[firsts[order]]


def _describe(record: Mapping[str, Any], table: TableMap, now_us: int) -> _Series | None:
    """Read the first row of a group; None if it is rejected, or if its numbers decide how to read them."""
    try:
        row = parse_record(record, table)
        if find_fault(row, now_us):
            return None
        cells = select_cells(record, table)
        name = str(table.symbol or cells.get("symbol") or cells.get("instrument"))
        contract = find_row_contract(row.exchange, name, cells.get("instrument"), table)
        kind = find_kind(cells, contract)
    except ROW_ERRORS:
        return None
    if kind is None and row.contracts is not None and row.contract_size is not None:
        return None
    return _Series(row, kind == "inverse", contract.in_dollars)


def _measure(
    price: NDArray[np.float64],
    stated: Mapping[str, NDArray[np.float64]],
    has: Mapping[str, NDArray[np.bool_]],
    series: Sequence[_Series],
    code: NDArray[np.intp],
) -> tuple[Amounts, NDArray[np.bool_]]:
    """Compute coins and USD as :func:`~liqcli.ingest.files.amounts.measure`, and whether the stated amounts agree."""
    import numpy as np

    none = np.zeros(len(price), bool)
    qty, notional, contracts, size = (stated.get(word, np.ones(len(price))) for word in _AMOUNTS)
    has_qty, has_notional, has_contracts, has_size = (has.get(word, none) for word in _AMOUNTS)
    fixed = np.array([s.row.contract_size or np.nan for s in series])[code]
    size = np.where(has_size, size, fixed)
    is_sized = has_contracts & ~np.isnan(size)
    is_inverse = np.array([s.is_inverse for s in series], bool)[code]
    in_dollars = np.array([s.in_dollars for s in series], bool)[code]
    with np.errstate(all="ignore"):
        product = contracts * size
        sized_qty = np.where(is_inverse, product / price, product)
        sized_usd = np.where(is_inverse, product, price * product)
        usd = price * qty
        agree = ~(has_notional & in_dollars & has_qty) | _agree(notional, usd)
        agree &= ~(has_notional & in_dollars & is_sized) | _agree(notional, sized_usd)
        agree &= ~(~has_notional & has_qty & is_sized) | _agree(usd, sized_usd)
        coins = np.where(has_qty, qty, np.where(has_notional, notional / price, sized_qty))
        value = np.where(has_notional, notional, np.where(has_qty, usd, sized_usd))
    agree &= has_qty | has_notional | is_sized
    return Amounts(price, coins, size, coins, value), agree


def _agree(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    import numpy as np

    return np.asarray(np.abs(one - other) <= np.maximum(AGREES * other, 0.01))


def _build(
    sound: NDArray[np.bool_],
    ts: NDArray[np.int64],
    amounts: Amounts,
    stated: Mapping[str, NDArray[np.float64]],
    has: Mapping[str, NDArray[np.bool_]],
    series: Sequence[_Series],
    code: NDArray[np.intp],
    ids: pa.Array,
) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    count = len(ts)
    has_contracts = has.get("contracts", np.zeros(count, bool))
    return build_block(
        sound,
        ts,
        amounts,
        contracts=pa.array(stated.get("contracts", np.ones(count)), mask=~has_contracts),
        contract_size=pa.array(amounts.size, mask=np.isnan(amounts.size)),
        words={word: (code, [getattr(s.row, word) for s in series]) for word in WORDS},
        event_id=ids,
    )
