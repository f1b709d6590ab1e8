"""Open recorded messages of Bybit's and OKX's own feeds: JSON lines, one message each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from liqcli.core.errors import ROW_ERRORS, describe_error
from liqcli.core.formatting import format_counted
from liqcli.core.model import Liquidation, Rejected
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.readers import TextLine
from liqcli.ingest.files.row_reader import RAW_SHOWN, Item, RowReader, convert_row
from liqcli.sources.bybit import stream as bybit_stream
from liqcli.sources.okx import liquidations as okx_liquidations

REMARK = "bankruptcy prices"  # of both feeds, for the summary


def open_bybit_stream(
    path: Path, lines: Iterator[TextLine], _first: TextLine, _options: ImportOptions, now_us: int
) -> RowReader:
    """Open recorded ``allLiquidation`` messages of Bybit's websocket; identical events are separate ones."""
    reader = RowReader("bybit-stream", iter(()), {}, remark=REMARK)
    reader.items = _iter_events(reader, path.name, lines, _read_bybit, bybit_stream.parse_event, now_us)
    return reader


def open_okx_stream(
    path: Path, lines: Iterator[TextLine], _first: TextLine, options: ImportOptions, now_us: int
) -> RowReader:
    """Open recorded ``liquidation-orders`` messages of OKX: of the websocket, or answers of the REST endpoint."""
    sizes = dict(options.contract_sizes)
    reader = RowReader("okx-stream", iter(()), {"contract_sizes": sizes}, remark=REMARK)
    parse = partial(okx_liquidations.parse_order, sizes=sizes)
    reader.items = _iter_events(reader, path.name, lines, okx_liquidations.iter_orders, parse, now_us)
    return reader


def _read_bybit(message: object) -> Iterable[Any]:
    return bybit_stream.read_frame(message).orders


def _iter_events(
    reader: RowReader,
    name: str,
    lines: Iterator[TextLine],
    read: Callable[[object], Iterable[Any]],
    parse: Callable[[Any], Liquidation],
    now_us: int,
) -> Iterator[Item]:
    """Read the events of each message; other messages, such as answers to subscriptions, are counted in a note."""
    others = 0
    for number, text in lines:
        payload = text if text[:1] in "{[" else text[text.find("{") :]  # some recorders write a time in front
        try:
            events = list(read(json.loads(payload)))
        except ROW_ERRORS as error:
            yield Rejected(name, number, f"not JSON ({describe_error(error)})", text[:RAW_SHOWN])
            continue
        others += not events
        for event in events:
            row = convert_row(parse, event, now_us)
            yield Rejected(name, number, row, text[:RAW_SHOWN]) if isinstance(row, str) else row
    if others:
        reader.notes.append(f"{format_counted(others, 'message')} without liquidations skipped")
