"""The COIN-M ``liquidationSnapshot`` archive of data.binance.vision: a zip with one CSV per day and contract.

exchange: binance (COIN-M)
docs: https://data.binance.vision/?prefix=data/futures/cm/daily/liquidationSnapshot/; read 2026-11-22. No live endpoint
    was called; each fact states its evidence
gives: 2023-06-25 to 2024-10-14, one file per day, in time order; 472 of these 478 days for BTCUSD_PERP (probed by
    others 2026-09; other contracts unproven). A day without a file stays unknown. The USD-M archive was deleted.
    Existing files are listed on s3-ap-northeast-1.amazonaws.com/data.binance.vision, XML, 1000 keys per page, marker =
    continue after it
limits: none stated; liqcli sends 20 requests in 2 s. If a .CHECKSUM is published, a file counts only if its sha256
    matches
side: the order's side: SELL = a long was liquidated (documented)
price: `average_price`, the fill; `price` is the order's limit (documented)
qty: `accumulated_fill_quantity` in contracts of 100 USD (BTC) or 10 USD (others) (documented); unfilled orders are
    skipped
time: `time` [ms UTC] (recorded)
completeness: sampled, as the forceOrder stream (at most one order per symbol and second)
changed: every row is repeated (binance-public-data#337): if all counts are even, half of each are kept, otherwise one
    of each
fixture: tests/sources/binance/test_binance_archive.py (the three rows of peers.md section 6 number 11)
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Any

from liqcli.core.instruments import read_contract
from liqcli.core.model import US_PER_S, Liquidation, Window, from_us, parse_number
from liqcli.core.symbols import split_symbol
from liqcli.net.client import RefusalError
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.net.response_body import Body
from liqcli.sources.base import DAY_US, HOUR_US, Answer, AskMarkets, AskWindow, Source
from liqcli.sources.binance import archive_files
from liqcli.sources.binance.archive_files import drop_repeated_rows, read_csv, request_zip
from liqcli.sources.binance.force_orders import KEPT_STATUSES, parse_order
from liqcli.sources.contracts import ListedContract, canonical, pick_markets
from liqcli.sources.rows import build_answer
from liqcli.sources.stale_answers import request_until_fitting

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
LIMITS = (Limit(20, 2),)
FOLDER = "data/futures/cm/daily/liquidationSnapshot/"
FIRST_US = 1_687_651_200 * US_PER_S  # 2023-06-25
END_US = 1_728_950_400 * US_PER_S  # 2024-10-15
_LISTING = "https://s3-ap-northeast-1.amazonaws.com"
_FILE_NAME = re.compile(
    r"^([A-Z0-9]+_(?:PERP|\d{6}))-liquidationSnapshot-\d{4}-\d{2}-\d{2}\.(?:zip|csv)", re.IGNORECASE
)


def symbol_of_file(name: str) -> str | None:
    """Read the contract out of ``BTCUSD_PERP-liquidationSnapshot-2023-06-25.zip``; None for other names."""
    match = _FILE_NAME.match(name)
    return match[1].upper() if match else None


def is_coin_margined(name: str) -> bool:
    """Return whether a name is that of a COIN-M contract."""
    try:
        return read_contract("binance", name).kind == "inverse"
    except ValueError:
        return False


def parse_row(row: Mapping[str, str], instrument: str) -> Liquidation:
    """
    Parse one archive row as a liquidation.

    Raises
    ------
    ValueError
        The order was not filled, or a field cannot be read.
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


def executed_nothing(row: Mapping[str, str]) -> bool:
    """Return whether an order was cancelled before any of it was filled."""
    return row["order_status"] not in KEPT_STATUSES and parse_number(row["accumulated_fill_quantity"]) == 0


def decode(body: Body) -> object:
    """
    Decode a zip, a checksum, or a page of the listing as its names and the next marker.

    Raises
    ------
    ValueError
        The body is none of them or truncated; the request is retried.
    """
    if body[:2] == b"PK":
        return archive_files.decode(body)
    text = str(body, "utf-8", "replace").strip()
    if "<ListBucketResult" in text[:500] and text.endswith("</ListBucketResult>"):
        names = re.findall(r"<(?:Key|Prefix)>([^<]+)</(?:Key|Prefix)>", text)
        onward = re.search(r"<NextMarker>([^<]+)</NextMarker>", text)
        cut = "<IsTruncated>true</IsTruncated>" in text
        return names, (onward[1] if onward else max(names, default="")) if cut else None
    return archive_files.decode(body)


def list_request(prefix: str, marker: str) -> Request:
    """Build the request for the folders or files after a name."""
    params = (("delimiter", "/"), ("prefix", prefix), *((("marker", marker),) if marker else ()))
    return Request("/data.binance.vision", params, absent=(403, 404), url=_LISTING)


def file_name(instrument: str, day_us: int) -> str:
    """Return the file name of a day."""
    return f"{FOLDER}{instrument}/{instrument}-liquidationSnapshot-{from_us(day_us):%Y-%m-%d}.zip"


def read_rows(body: Body) -> list[dict[str, str]]:
    """
    Read the rows of a zip, with or without a header, as cells by column.

    Raises
    ------
    RefusalError
        The file is not such a zip.
    """
    rows = list(read_csv(body))
    bare = bool(rows) and rows[0][0].isdigit() and len(rows[0]) == len(COLUMNS)
    header = COLUMNS if bare or not rows else rows.pop(0)
    if not set(COLUMNS) <= set(header):
        raise RefusalError("the CSV does not have the columns of a liquidationSnapshot")
    return [dict(zip(header, row, strict=False)) for row in rows]


def find_obstacle(window: Window) -> str | None:
    """Return why a window cannot be requested: it lies outside the archive."""
    inside = window.end_us > FIRST_US and window.start_us < END_US
    return None if inside else "the archive runs from 2023-06-25 to 2024-10-14"


def _list(prefix: str, marker: str, last: str) -> Generator[Request, Any, list[str] | None]:
    """Read a listing up to a name; None if there is no listing."""
    found: list[str] = []
    while True:
        page = yield from request_until_fitting(
            list_request(prefix, marker), partial(_is_listing, prefix=prefix, marker=marker)
        )
        if page is None:
            return None
        names, onward = page
        found += [name for name in names if name != prefix]
        if onward is None or onward >= last:
            return found
        if onward <= marker:
            raise RefusalError("the listing does not advance")
        marker = onward


def _is_listing(page: Any, prefix: str, marker: str) -> bool:  # noqa: ANN401 - any answer
    """Return whether a listing matches the request: entries directly below a name, after the marker."""
    if page is None:
        return True
    below = [name for name in page[0] if name != prefix]
    return all(name.startswith(prefix) and name > marker and "/" not in name[len(prefix) : -1] for name in below)


def _ask_markets(exchange: str, wanted: Sequence[str]) -> AskMarkets:
    folders = yield from _list(FOLDER, "", "~")
    if folders is None:  # no list: trust the user
        bases = {base for base, quote in map(split_symbol, wanted) if quote in ("USD", "")}
        folders = [f"{FOLDER}{base}USD_PERP/" for base in bases]
    names = [folder.removeprefix(FOLDER).strip("/") for folder in folders]
    listed = {name: read_contract(exchange, name) for name in names if name.endswith("_PERP") and canonical(name)}
    return pick_markets(
        (ListedContract(exchange, contract.symbol, name, contract.face, True) for name, contract in listed.items()),
        wanted,
    )


def _ask_window(market: ListedContract, window: Window) -> AskWindow:
    days = [day for day in range(window.start_us, window.end_us, DAY_US) if FIRST_US <= day < END_US]
    names = [file_name(market.instrument, day) for day in days]
    listed = yield from _list(f"{FOLDER}{market.instrument}/", names[0][:-4], f"{names[-1]}~")
    there = set(names if listed is None else listed)
    answer = Answer(unknown=[Window(window.start_us, days[0]), Window(days[-1] + DAY_US, window.end_us)])
    answer.unknown = [part for part in answer.unknown if part.length_us > 0]
    reasons = []
    for day, name in zip(days, names, strict=True):
        file = (yield from _ask_file(name)) if name in there else f"no file {name}"
        if isinstance(file, str):
            answer.unknown.append(Window(day, day + DAY_US))
            reasons.append(file)
            continue
        near = Window(day - DAY_US, day + 2 * DAY_US)
        part = build_answer(file, partial(_read_executed, instrument=market.instrument), near, name)
        rows, dropped, _how = drop_repeated_rows(part.rows)
        answer.rows += rows
        answer.rejected += part.rejected
        answer.skipped += dropped
    answer.absent = "; ".join(reasons) or None
    return answer


def _read_executed(row: Mapping[str, str], instrument: str) -> Liquidation | None:
    return None if executed_nothing(row) else parse_row(row, instrument)


def _ask_file(name: str) -> Generator[Request, Any, list[dict[str, str]] | str]:
    """Read the rows of a file with a correct checksum, or return why there are none."""
    try:
        body = yield from request_zip(f"/{name}", unchecked=True)
        return f"no file {name}" if body is None else read_rows(body)
    except RefusalError as error:
        return f"{name}: {error}"


SOURCE = Source(
    name="binance-vision",
    exchanges=("binance",),
    url="https://data.binance.vision",
    limits=LIMITS,
    window_us=7 * DAY_US,
    grain_us=DAY_US,
    retention_us=None,
    settle_us=0,
    delay_us=6 * HOUR_US,
    decode=decode,
    ask_markets=_ask_markets,
    ask_window=_ask_window,
    by_default=False,
    quotes=("USD",),
    find_obstacle=find_obstacle,
)
