"""Good files of every import format, made by hand, and seeded ways to damage them."""

from __future__ import annotations

import gzip
import io
import json
import random
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liqcli.ingest.files.options import ImportOptions
from liqcli.sources.binance.archive import COLUMNS

HEAD = "ts,exchange,symbol,position,price,qty,event_id"
ROWS = (
    "2024-03-01T00:00:00Z,gate,BTCUSDT,long,60000,0.5,a",
    "1709251260000,okx,ETH-USDT-SWAP,short,3000.5,2,b",
    "2024-03-01 00:02:00.123456+05:30,x,SOL/USDT:USDT,LONG,150.25,10,",
    "1709251380,gate,BTCUSDT,short,60001,1e-3,d",
)
TARDIS = (
    "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    "bybit,BTCUSDT,1709251200000000,1709251200100000,,sell,60000,0.5\n"
    "deribit,BTC-PERPETUAL,1709251201000000,1709251201100000,42,buy,60001,1120\n"
    "okex-swap,BTC-USDT-SWAP,1709251202000000,1709251202100000,,sell,60002,8.55\n"
)
VISION = ",".join(COLUMNS) + "\n" + "1709251200000,BUY,LIMIT,IOC,7,60000.3,59990.6,FILLED,6,7\n" * 2
FRAMES = "\n".join(
    '{"stream":"x","data":{"e":"forceOrder","E":1,"o":{"s":"SYMBOL","S":"SELL","o":"LIMIT","f":"IOC","q":"0.2",'
    '"p":"60000","ap":"60010.5","X":"FILLED","l":"0.1","z":"0.2","T":1709251200000}}}'.replace("SYMBOL", symbol)
    for symbol in ("BTCUSDT", "ETHUSDT", "BTCUSD_PERP")
)
BYBIT = "\n".join(
    '{"topic":"allLiquidation.SYMBOL","type":"snapshot","ts":1709251200100,"data":[{"T":1709251200000,"s":"SYMBOL",'
    '"S":"Buy","v":"0.2","p":"60000"}]}'.replace("SYMBOL", symbol)
    for symbol in ("BTCUSDT", "ETHUSDT", "BTCUSD")
)
OKX = "\n".join(
    '{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"instId":"SYMBOL","details":[{"bkPx":"60000",'
    '"posSide":"long","side":"sell","sz":"2","ts":"1709251200000"}]}]}'.replace("SYMBOL", symbol)
    for symbol in ("BTC-USD-SWAP", "ETH-USD-SWAP", "BTC-USDT-SWAP")
)
RECORDED = "\n".join(
    f"{symbol},SELL,LIMIT,IOC,2,60000,60010,FILLED,2,2,170925120{second}000,9"
    for second, symbol in enumerate(("BTC", "ETH", "SOL"))
)
CANDLES = "ts,open,high,low,close,volume\n" + "".join(
    f"2024-03-01T00:0{minute}:00Z,10,12,9,11,5\n" for minute in range(5)
)
INTEREST = "ts,symbol,open_interest,open_interest_usd\n" + "".join(
    f"2024-03-01T00:{minute:02}:00Z,BTCUSDT,1000,60000000\n" for minute in range(0, 25, 5)
)
# What cells are replaced by: numbers, times and words that are none, too large, of other scripts, of other types.
NASTY = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e999", "-0", "0", "1e-320", "9" * 25, "9" * 400, "9" * 5000, "1_000",
    "0x1f", "1,5", "1.5.5", "\u0661\u0662", "\uff11", "\u00b2", "\0", "\ufeff", "\u202e", "None", "null", "true",
    "[]", "{}", '"', '""', '"a', "'", "long", "short", "buy", "SELL", "-1", "1709251200000000000", "+1", "1e5",
    "1709251200.123456789", "9" * 40 + ".5", "2024-02-30T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59-14:00",
    "2024-W09-5", "=1+1", "../../x", "BTC_USDT_241227", "x" * 300, ";", "\t", "\r", "\u2028", "tSOLF0:USTF0",
    "PI_XBTUSD", "BTC-PERPETUAL", "1e400", "00000",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None,
    True,
    [],
    {},
    [[1]],
    {"a": None},
    10**400,
    1e308,
    -1,
    0,
    1.5,
    "\ud800",
    "",
    float("nan"),
    float("inf"),
)


_PLAIN = ImportOptions()


@dataclass(frozen=True, slots=True)
class Case:
    """A good file: its bytes, how it is imported, how it is packed, and whether each row is one event."""

    name: str
    file_name: str
    content: bytes
    options: ImportOptions = _PLAIN
    pack: Callable[[bytes], bytes] | None = None
    one_event_a_row: bool = True
    is_text: bool = True

    @property
    def can_be_read(self) -> bool:
        """Whether it can be read without storing it (a hundred times faster)."""
        return self.options.kind not in ("candles", "open-interest")


def mutate_bytes(content: bytes, rng: random.Random) -> bytes:
    """Damage bytes: change, cut, double, insert, blank."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        place = rng.randrange(len(data) + 1)
        end = min(len(data), place + rng.choice((1, 1, 4, 30)))
        match rng.randrange(7):
            case 0:
                data[place:end] = rng.randbytes(end - place)
            case 1:
                del data[place:end]
            case 2:
                data[place:place] = data[place:end] * rng.choice((1, 2, 50))
            case 3:
                del data[place:]
            case 4:
                data[place:place] = rng.choice(
                    (b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"\xed\xa0\x80")
                )
            case 5:
                data[place:end] = bytes(end - place)
            case _:
                if place < len(data):
                    data[place] ^= 1 << rng.randrange(8)
    return bytes(data)


def mutate_table(text: str, rng: random.Random) -> str:
    """Damage a table: cells, columns, lines."""
    table = [line.split(",") for line in text.split("\n")]
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        row = table[rng.randrange(len(table))]
        column = rng.randrange(max(1, len(row)))
        match rng.randrange(9):
            case 0 | 1 | 2 | 3:
                if row:
                    row[min(column, len(row) - 1)] = rng.choice(NASTY)
            case 4:
                for line in table:
                    if column < len(line):
                        del line[column]
            case 5:
                other = rng.randrange(max(1, len(row)))
                for line in table:
                    if max(column, other) < len(line):
                        line[column], line[other] = line[other], line[column]
            case 6:
                for line in table:
                    if column < len(line):
                        line.insert(column, line[column])
            case 7:
                table.insert(rng.randrange(len(table)), list(rng.choice(table)))
            case _:
                table.insert(0, [rng.choice(NASTY)])
    delimiter = rng.choice((",", ",", ",", ",", ";", "\t"))
    return rng.choice(("\n", "\n", "\n", "\r\n", "\r")).join(delimiter.join(line) for line in table)


def mutate_json(text: str, rng: random.Random) -> str:
    """Damage JSON lines or an array of objects: values, keys, nesting."""
    is_array = text.startswith("[")
    objects = json.loads(text) if is_array else [json.loads(line) for line in text.split("\n")]
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(objects))
        spot = rng.choice([*_find_objects(objects[place]), {}])
        if not spot:
            continue
        key = rng.choice(list(spot))
        match rng.randrange(5):
            case 0 | 1:
                spot[key] = deepcopy(rng.choice(VALUES)) if rng.random() < 0.5 else rng.choice(NASTY)
            case 2:
                del spot[key]
            case 3:
                spot[rng.choice(NASTY)] = deepcopy(spot.get(key))
            case _:
                objects[place] = rng.choice((None, 1, "x", [], [objects[place]], {}))
    made = [json.dumps(item) for item in objects]
    if rng.random() < 0.1:
        made[0] = made[0].replace(": ", ": " + "[" * rng.choice((10, 500, 5000)), 1)
    return f"[{','.join(made)}]" if is_array else "\n".join(made)


def _find_objects(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a JSON value
    """Find the objects in an object."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _find_objects(inner)


def encode(text: str, rng: random.Random) -> bytes:
    """Write text in one of the encodings that files come in."""
    encoding = rng.choice(("utf-8",) * 8 + ("utf-8-sig", "utf-16", "utf-16-le", "latin-1", "utf-32"))
    return text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")


def make_input(case: Case, rng: random.Random) -> bytes:
    """Make a damaged file: its structure, its bytes, or the bytes of its packing."""
    content = case.content
    if case.is_text and rng.random() < 0.75:
        text = content.decode()
        content = encode((mutate_json if text[:1] in "{[" else mutate_table)(text, rng), rng)
    elif rng.random() < 0.9:
        content = mutate_bytes(content, rng)
    if case.pack:
        content = case.pack(content)
        if rng.random() < 0.3:
            content = mutate_bytes(content, rng)
    return content


def pack_zip(content: bytes) -> bytes:
    """Put a file into a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
    return buffer.getvalue()


def pack_gzip(content: bytes) -> bytes:
    """Pack a file with gzip."""
    return gzip.compress(content, 1, mtime=0)


def make_parquet() -> bytes:
    """Make a small Parquet file of the rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = zip(*(row.split(",") for row in ROWS), strict=True)
    table = pa.table(dict(zip(HEAD.split(","), map(list, columns), strict=True)))
    table = table.set_column(4, "price", table["price"].cast(pa.float64()))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def make_sqlite() -> bytes:
    """Make a small database of the rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA page_size = 512")
        connection.execute("CREATE TABLE liquidations (ts, exchange, symbol, position, price, qty, event_id)")
        rows = [row.split(",") for row in ROWS]
        connection.executemany("INSERT INTO liquidations VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
        connection.close()
        return path.read_bytes()


def _dictionaries() -> list[dict[str, str]]:
    return [dict(zip(HEAD.split(","), row.split(","), strict=True)) for row in ROWS]


_TABLE = "\n".join((HEAD, *ROWS)).encode()
_LINES = "\n".join(map(json.dumps, _dictionaries())).encode()
_NUMBERED = ImportOptions(no_header=True, columns="ts=1,exchange=2,symbol=3,position=4,price=5,qty=6")
_CANDLES = ImportOptions(kind="candles", exchange="x", symbol="BTCUSDT")
CASES: tuple[Case, ...] = (
    Case("generic-csv", "a.csv", _TABLE),
    Case("generic-no-header", "b.csv", "\n".join(ROWS).encode(), _NUMBERED),
    Case("generic-jsonl", "a.jsonl", _LINES),
    Case("generic-json", "a.json", json.dumps(_dictionaries()).encode()),
    Case("generic-parquet", "a.parquet", make_parquet(), is_text=False),
    Case("generic-sqlite", "a.db", make_sqlite(), is_text=False),
    Case("generic-gzip", "a.csv.gz", _TABLE, pack=pack_gzip),
    Case("generic-zip", "a.zip", _TABLE, pack=pack_zip),
    Case("tardis", "t.csv", TARDIS.encode()),
    Case("tardis-gzip", "t.csv.gz", TARDIS.encode(), pack=pack_gzip),
    Case("binance-vision", "BTCUSD_PERP-liquidationSnapshot-2024-03-01.zip", VISION.encode(), pack=pack_zip),
    Case("binance-stream", "s.jsonl", FRAMES.encode(), one_event_a_row=False),
    Case("bybit-stream", "b.jsonl", BYBIT.encode(), one_event_a_row=False),
    Case(
        "okx-stream",
        "o.jsonl",
        OKX.encode(),
        ImportOptions(contract_sizes={"BTC-USDT-SWAP": 0.01}),
        one_event_a_row=False,
    ),
    Case("binance-recorded", "s.csv", RECORDED.encode()),
    Case("candles", "c.csv", CANDLES.encode(), _CANDLES, one_event_a_row=False),
    Case("open-interest", "o.csv", INTEREST.encode(), ImportOptions(kind="open-interest", exchange="x"), None, False),
)
