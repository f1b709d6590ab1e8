"""Import candles: series of several exchanges and coins, rows of one time, lengths, spot and futures."""

from __future__ import annotations

import contextlib
import gzip
import sqlite3
from pathlib import Path

import pytest
from import_helpers import put
from market_files import (
    BINANCE,
    COINS,
    VENUES,
    bytes_of,
    candle,
    candles,
    held,
    import_one,
    many_venues,
    rejected_of,
    stamp,
)

from liqcli.core.errors import MixedSeriesError, UsageError
from liqcli.core.market_data import Candle, OpenInterest
from liqcli.ingest.files.market_columns import market_of_name, read_interval
from liqcli.lake.market_merge import find_interval, join_rows
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.sources.registry import KNOWN_SOURCES


@pytest.fixture
def store(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


# ------------------------------------------------------------------------------------------- several series


def test_each_exchange_and_coin_of_a_file_is_a_series_of_its_own(store: Lake, tmp_path: Path) -> None:
    """7 exchanges x 5 coins x 4 minutes = 140 rows in 35 series; DOGE (third coin) of okx (seventh) is 306 to 309."""
    file = import_one(store, put(tmp_path, "all.csv", many_venues()), quote="USDT", market="futures")
    assert (file.format, file.rows, file.new, file.known, file.doubled, file.rejected) == ("candles", 140, 140, 0, 0, 0)
    series = held(store)
    assert len(series) == 35
    assert [row["close"] for row in series["okx", "DOGEUSDT", "1m"]] == [306, 307, 308, 309]
    assert verify_lake(store, KNOWN_SOURCES).rows == file.new
    assert import_one(store, tmp_path / "all.csv", quote="USDT").known == 140


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (BINANCE, "column coin holds 'ADA', but --symbol is BTCUSDT: omit --symbol"),
        ({"exchange": "binance"}, "column venue holds 'bitget', but --exchange is binance: omit --exchange"),
        ({"symbol": "BTCUSDT"}, "or pass --columns symbol=:BTCUSDT to override it"),
        (
            {"columns": "exchange=:binance,symbol=:BTCUSDT"},
            "4 of 4 times of binance BTCUSDT 1m appear more than once with different values (first: 2024-04-01 "
            "00:00:00 UTC, open 100 and 200), so the file mixes several series",
        ),
    ],
)
def test_a_name_for_all_rows_does_not_overrule_a_column(
    store: Lake, tmp_path: Path, options: dict[str, str], message: str
) -> None:
    with pytest.raises(MixedSeriesError) as caught:
        import_one(store, put(tmp_path, "all.csv", many_venues()), **options)
    assert message in str(caught.value)
    assert str(caught.value).count("omit --") == len(options) - ("columns" in options)  # all at once
    assert store.partitions("candles") == []


@pytest.mark.parametrize("name", ["all.csv", "all.csv.gz", "all.sqlite"])
def test_a_refused_file_is_closed(store: Lake, tmp_path: Path, name: str) -> None:
    """At once, although the error still refers to the reader that stopped in the middle of the file."""
    path = tmp_path / name
    if name.endswith("sqlite"):
        header, *lines = (line.split(",") for line in many_venues().splitlines())
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"CREATE TABLE candles ({', '.join(header)})")
            connection.executemany(f"INSERT INTO candles VALUES ({', '.join('?' * len(header))})", lines)
    else:
        path.write_bytes((gzip.compress if name.endswith("gz") else bytes)(many_venues().encode()))
    with pytest.raises(MixedSeriesError) as caught:
        import_one(store, path, exchange="binance")
    assert caught.tb is not None
    assert not [link for link in Path("/dev/fd").iterdir() if link.exists() and link.samefile(path)]


def test_a_name_that_agrees_with_its_column_is_taken(store: Lake, tmp_path: Path) -> None:
    text = candles(3).replace("open_time,", "open_time,venue,coin,").replace("Z,", "Z,Binance,BTC,")
    assert import_one(store, put(tmp_path, "a.csv", text), **BINANCE).new == 3
    assert set(held(store)) == {("binance", "BTCUSDT", "1m")}


def test_open_interest_of_several_coins_is_kept_apart(store: Lake, tmp_path: Path) -> None:
    """Polled in turn, so no time appears twice: only the column shows that these are two series."""
    rows = [f"{stamp(5 * k + c / 60)},{coin},{100 * (c + 1) + k}" for k in range(3) for c, coin in enumerate(COINS[:2])]
    path = put(tmp_path, "oi.csv", "\n".join(["time,coin,oi_coins", *rows]))
    with pytest.raises(MixedSeriesError, match="column coin holds 'ADA', but --symbol is BTCUSDT"):
        import_one(store, path, **BINANCE)
    assert import_one(store, path, exchange="binance", quote="USDT").new == 6
    series = held(store, "open_interest")
    assert [row["open_interest"] for row in series["binance", "BTCUSDT", ""]] == [200, 201, 202]


def test_two_contracts_that_would_have_one_name_are_refused(store: Lake, tmp_path: Path) -> None:
    """OKX calls the spot market BTC-USDT and the perpetual BTC-USDT-SWAP; without their ending both are BTCUSDT."""
    rows = [f"{stamp(k)},{name},1,2,1,1" for k, name in enumerate(("BTC-USDT-SWAP", "BTC-USDT-SWAP", "BTC-USDT"))]
    path = put(tmp_path, "okx.csv", "\n".join(["time,instId,open,high,low,close", *rows]))
    with pytest.raises(MixedSeriesError, match="BTC-USDT-SWAP and BTC-USDT, which would both be stored as okx BTCUSDT"):
        import_one(store, path, exchange="okx")


def test_liquidations_too_are_not_stored_under_another_exchange(store: Lake, tmp_path: Path) -> None:
    text = "time,venue,symbol,position,price,qty\n" + "".join(
        f"{stamp(k)},{venue},ETHUSDT,long,3000,1\n" for k, venue in enumerate(VENUES)
    )
    path = put(tmp_path, "events.csv", text)
    with pytest.raises(MixedSeriesError, match="column venue holds 'bitget', but --exchange is binance"):
        import_one(store, path, exchange="binance")
    with pytest.raises(MixedSeriesError, match="column symbol holds 'ETHUSDT', but --symbol is BTCUSDT"):
        import_one(store, path, symbol="BTCUSDT")
    assert store.partitions() == []
    assert len(import_one(store, path).exchanges) == 7
    assert import_one(store, path, columns="exchange=:mine", replace=True).exchanges == ("mine",)


# ----------------------------------------------------------------------------------- rows of the same time


def test_a_few_contradicting_rows_are_refused_and_named(store: Lake, tmp_path: Path) -> None:
    """200 minutes, of which one (00:05, close 105) stands again with 999 and one again as it is: 199 are stored."""
    text = candles(200) + candle(5, 999) + "\n" + candle(6, 106) + "\n"
    file = import_one(store, put(tmp_path, "c.csv", text), **BINANCE)
    assert (file.rows, file.new, file.doubled, file.rejected) == (202, 199, 1, 2)
    assert [row["line"] for row in rejected_of(file)] == [7, 202]
    assert "more than once, with open 105 and 999" in str(rejected_of(file)[0]["reason"])
    assert verify_lake(store, KNOWN_SOURCES).rows == 199


def test_an_overlapping_file_adds_what_is_new_in_either_order(tmp_path: Path) -> None:
    """Minutes 0..99 and 50..149: 150 in the lake, 50 known, whichever comes first."""
    first, second = put(tmp_path, "1.csv", candles(100)), put(tmp_path, "2.csv", candles(100, first=50))
    lakes = []
    for number, order in enumerate(((first, second), (second, first))):
        store = Lake(tmp_path / f"lake{number}")
        files = [import_one(store, path, **BINANCE) for path in order]
        assert [(f.new, f.known) for f in files] == [(100, 0), (50, 50)]
        before = bytes_of(store.root)
        assert [import_one(store, path, **BINANCE).new for path in order] == [0, 0]
        assert bytes_of(store.root) == before
        lakes.append(before)
    assert lakes[0] == lakes[1]


def test_another_market_is_not_mixed_into_what_the_lake_holds(store: Lake, tmp_path: Path) -> None:
    """Minutes 50..149 of another market: 50 shared minutes differ, so the 50 new ones are not stored either."""
    import_one(store, put(tmp_path, "1.csv", candles(100)), **BINANCE)
    before = bytes_of(store.root)
    other = put(tmp_path, "2.csv", candles(100, close=100.5, first=50))
    with pytest.raises(MixedSeriesError, match=r"50 of 50 times .* --source NAME or --market spot .*--replace"):
        import_one(store, other, **BINANCE)
    assert bytes_of(store.root) == before
    assert import_one(store, other, **BINANCE, market="spot").new == 100
    assert {key: len(rows) for key, rows in held(store).items()} == {
        ("binance", "BTCUSDT", "1m"): 100,
        ("binance-spot", "BTCUSDT", "1m"): 100,
    }


def test_a_candle_that_was_open_is_replaced_by_its_end(tmp_path: Path) -> None:
    """One export ends while minute 99 is young (volume 1); the next begins with all of it (volume 5, wider range)."""
    young = candles(99) + f"{stamp(99)},101,101.5,100.9,101.2,1\n"
    full = f"open_time,open,high,low,close,volume\n{stamp(99)},101,102,100,101,5\n{candle(100, 102)}\n"
    for number, order in enumerate(((young, full), (full, young))):
        store = Lake(tmp_path / f"lake{number}")
        for k, text in enumerate(order):
            import_one(store, put(tmp_path, f"{k}.csv", text), **BINANCE)
        rows = held(store)["binance", "BTCUSDT", "1m"]
        assert (len(rows), rows[99]["high"], rows[99]["volume"]) == (101, 102, 5)


def test_every_state_of_a_recorded_candle_becomes_one(store: Lake, tmp_path: Path) -> None:
    lines = [f"{stamp(k)},10,{10 + s},9,{10 + s},{s}" for k in range(3) for s in (1, 2, 3)]
    file = import_one(store, put(tmp_path, "ws.csv", "\n".join([candles(0).strip(), *lines])), **BINANCE)
    assert (file.rows, file.new, file.doubled, file.rejected) == (9, 3, 6, 0)
    assert [row["volume"] for row in held(store)["binance", "BTCUSDT", "1m"]] == [3, 3, 3]


def test_files_complement_each_other() -> None:
    bare, full = Candle(0, 1, 2, 1, 2, 5.0), Candle(0, 1, 2, 1, 2, 5.0, 3.0)
    assert join_rows(bare, full) == join_rows(full, bare) == full
    assert join_rows(OpenInterest(0, 5, None), OpenInterest(0, None, 500)) == OpenInterest(0, 5, 500)
    assert join_rows(OpenInterest(0, 5, None), OpenInterest(0, 6, None)) is None
    assert join_rows(Candle(0, 1, 2, 1, 2, None), Candle(0, 1, 3, 1, 2, None)) is None


def test_replace_removes_what_lies_between(store: Lake, tmp_path: Path) -> None:
    import_one(store, put(tmp_path, "1.csv", candles(10)), **BINANCE)
    text = f"open_time,open,high,low,close,volume\n{candle(2, 7)}\n{candle(3, 7)}\n{candle(6, 7)}\n"
    file = import_one(store, put(tmp_path, "2.csv", text), **BINANCE, replace=True)
    assert (file.new, file.known) == (0, 3)
    assert "binance BTCUSDT 1m: 3 rows replaced, 2 removed" in file.notes
    closes = [row["close"] for row in held(store)["binance", "BTCUSDT", "1m"]]
    assert closes == [100, 101, 7, 7, 7, 100, 101, 102]  # minutes 4 and 5 are gone


def test_replace_with_a_quote_takes_away_the_series_without_one(store: Lake, tmp_path: Path) -> None:
    """ETH of 10 candles becomes ETHUSDT; rows under ETH with other values, which another file brought, stay."""
    path = put(tmp_path, "eth.csv", candles(10))
    import_one(store, path, exchange="okx", symbol="ETH")
    assert import_one(store, path, exchange="okx", symbol="ETHUSDT").new == 10
    assert set(held(store)) == {("okx", "ETH", "1m"), ("okx", "ETHUSDT", "1m")}  # without --replace nothing goes
    file = import_one(store, path, exchange="okx", symbol="ETHUSDT", replace=True)
    assert (file.new, file.known) == (0, 10)
    assert "okx ETH 1m: 10 rows moved to ETHUSDT" in file.notes
    assert set(held(store)) == {("okx", "ETHUSDT", "1m")}

    other = f"open_time,open,high,low,close,volume\n{candle(3, 555)}\n{candle(4, 555)}\n{candle(20, 555)}\n"
    import_one(store, put(tmp_path, "other.csv", other), exchange="okx", symbol="ETH", columns="interval=:1m")
    import_one(store, path, exchange="okx", symbol="ETHUSDT", replace=True)
    assert [row["close"] for row in held(store)["okx", "ETH", "1m"]] == [555, 555, 555]


def test_replace_leaves_a_series_without_quote_that_the_file_itself_holds(store: Lake, tmp_path: Path) -> None:
    lines = [f"{stamp(k)},{name},10,11,9,10" for k in range(3) for name in ("ETH", "ETHUSDT")]
    path = put(tmp_path, "both.csv", "\n".join(["time,symbol,open,high,low,close", *lines]))
    for replace in (False, True):
        import_one(store, path, exchange="okx", replace=replace)
        assert {key[1]: len(rows) for key, rows in held(store).items()} == {"ETH": 3, "ETHUSDT": 3}


# ------------------------------------------------------------------------------------------------- lengths


def test_a_column_says_how_long_candles_are(store: Lake, tmp_path: Path) -> None:
    lines = [f"{stamp(k)},1m,10,11,9,10,1" for k in range(120)] + [f"{stamp(60 * k)},1h,10,19,2,10,60" for k in (0, 1)]
    path = put(tmp_path, "mix.csv", "\n".join(["time,interval,open,high,low,close,volume", *lines]))
    assert import_one(store, path, **BINANCE).new == 122
    assert {key[2]: len(rows) for key, rows in held(store).items()} == {"1m": 120, "1h": 2}


def test_candles_of_two_lengths_without_such_a_column_are_refused(store: Lake, tmp_path: Path) -> None:
    apart = candles(600) + "".join(candle(600 + 60 * k, 100) + "\n" for k in range(1, 20))
    with pytest.raises(UsageError, match=r"60 s \(599 times\), 3600 s .*--columns interval=COLUMN"):
        import_one(store, put(tmp_path, "apart.csv", apart), **BINANCE)
    among = candles(600) + "".join(f"{stamp(60 * k)},99,190,2,100,60\n" for k in range(10))
    with pytest.raises(MixedSeriesError, match="10 of 600 times"):
        import_one(store, put(tmp_path, "among.csv", among), **BINANCE)


def test_one_candle_needs_its_length(store: Lake, tmp_path: Path) -> None:
    path = put(tmp_path, "one.csv", candles(1))
    with pytest.raises(UsageError, match="--columns interval=:1m"):
        import_one(store, path, **BINANCE)
    assert import_one(store, path, **BINANCE, columns="interval=:1h").new == 1
    assert set(held(store)) == {("binance", "BTCUSDT", "1h")}


@pytest.mark.parametrize(
    ("text", "name"), [("1m", "1m"), ("60min", "1h"), ("1H", "1h"), ("1 Day", "1d"), ("300s", "5m")]
)
def test_lengths_in_other_words(text: str, name: str) -> None:
    assert read_interval(text) == name


@pytest.mark.parametrize("text", ["1M", "60", "7m", "1w", "", "m"])
def test_lengths_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="interval is not one of"):
        read_interval(text)


def test_gaps_do_not_make_another_length() -> None:
    minute = 60_000_000
    assert find_interval([k * minute for k in range(50) if k % 10]) == "1m"
    assert find_interval([0]) is None


# ------------------------------------------------------------------------------------------ spot and futures


@pytest.mark.parametrize(
    ("name", "extra", "options", "exchange"),
    [
        ("c.csv", "", {}, "binance"),
        ("c.csv", "", {"market": "spot"}, "binance-spot"),
        ("candles_binance_spot_BTCUSDT_1m.csv", "", {}, "binance-spot"),
        ("candles_binance_spot_BTCUSDT_1m.csv", "", {"market": "futures"}, "binance"),
        ("c.csv", "SPOT", {}, "binance-spot"),
        ("c_spot.csv", "linear", {}, "binance"),
        ("c.csv", "", {"exchange": "binance-spot"}, "binance-spot"),
        ("c.csv", "", {"symbol": "BTC/USDT"}, "binance-spot"),
    ],
)
def test_spot_candles_are_kept_apart(
    store: Lake, tmp_path: Path, name: str, extra: str, options: dict[str, str], exchange: str
) -> None:
    text = candles(3)
    if extra:
        text = text.replace("open_time", "open_time,market").replace("Z,", f"Z,{extra},")
    file = import_one(store, put(tmp_path, name, text), **{**BINANCE, **options})
    assert set(held(store)) == {(exchange, "BTCUSDT", "1m")}
    assumed = "market of the candles of binance not specified, assumed: futures" in " ".join(file.notes)
    assert assumed == (exchange == "binance" and not extra and not options and "spot" not in name)


def test_a_market_column_may_hold_the_symbol(store: Lake, tmp_path: Path) -> None:
    text = candles(3).replace("open_time", "open_time,market").replace("Z,", "Z,ETH-USD,")
    assert import_one(store, put(tmp_path, "dydx.csv", text), exchange="dydx").symbols == ("ETHUSD",)
    assert market_of_name("BTCUSDT-1m-2024-01.csv") is None
    assert market_of_name("spot_vs_perp.csv") is None


def test_spot_has_no_open_interest(store: Lake, tmp_path: Path) -> None:
    path = put(tmp_path, "oi.csv", f"time,oi_coins\n{stamp(0)},5\n")
    with pytest.raises(UsageError, match="--market applies to candles only"):
        import_one(store, path, **BINANCE, market="spot")
    with pytest.raises(UsageError, match="unknown market 'sport'; did you mean spot"):
        import_one(store, put(tmp_path, "c.csv", candles(3)), **BINANCE, market="sport")
