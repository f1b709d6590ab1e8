"""The recorded market data, imported and held against their known answers (only where LIQCLI_REAL_DATA is set)."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from conftest import RECORDED

from liqcli.analysis.heatmap import GridOptions
from liqcli.core.errors import EmptyWindowError
from liqcli.core.intervals import Intervals
from liqcli.core.model import from_us, to_us
from liqcli.core.symbols import normalise_symbol
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.report.results import ViewOptions, compute_results
from liqcli.sources.binance.force_orders import iter_orders, parse_order

PACIFICA, ALL_SYMBOLS = "pacifica-2026-03/events_utc.csv.gz", "binance-allsymbols-2025-01/liquidations.csv"


@pytest.fixture(scope="module")
def answers(real_data):
    return json.loads((real_data / "expected.json").read_text())


@pytest.fixture(scope="module")
def events(answers):
    return answers["events"]


@pytest.fixture
def store(tmp_path):
    return Lake(tmp_path / "lake")


def import_one(store, path, **options):
    (file,) = import_files(store, [path], ImportOptions(**options)).files
    assert file.error is None, file.error
    return file


def us(text):
    return to_us(datetime.fromisoformat(text))


def totals(store, key="symbol"):
    """Rows, longs, shorts, first, last, USD (all, long, short) by symbol or exchange, read off the Parquet files."""
    files = f"{store.root}/liquidations/**/*.parquet"
    query = f"""
        SELECT {key}, COUNT(*), SUM(CAST(position = 'long' AS INT)), SUM(CAST(position = 'short' AS INT)),
            MIN(EPOCH_US(ts)), MAX(EPOCH_US(ts)), FSUM(notional),
            COALESCE(FSUM(notional) FILTER (position = 'long'), 0),
            COALESCE(FSUM(notional) FILTER (position = 'short'), 0)
        FROM read_parquet('{files}', hive_partitioning = true, hive_types_autocast = false)
        GROUP BY 1"""
    with duckdb.connect() as con:
        return {name: values for name, *values in con.sql(query).fetchall()}


def agree(found, want):
    rows, longs, shorts, first, last, usd, usd_long, usd_short = found
    assert (rows, longs, shorts) == (want["rows"], want["long"], want["short"])
    assert (first, last) == (us(want["first"]), us(want["last"]))
    assert usd == pytest.approx(float(want["sum_usd"]), rel=1e-9)
    assert usd_long == pytest.approx(float(want["sum_usd_long"]), rel=1e-9)
    assert usd_short == pytest.approx(float(want["sum_usd_short"]), rel=1e-9)


def agree_by(found, wanted, name=lambda key: key):
    assert set(found) == {name(key) for key in wanted}
    for key, want in wanted.items():
        agree(found[name(key)], want)


def bytes_of(root: Path):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_a_month_of_fill_pieces_keeps_every_piece(recorded, events):
    """8,139 rows of 59 symbols: none is lost or rejected."""
    want, store = events[PACIFICA], Lake(recorded(PACIFICA))
    found = totals(store)
    assert (len(found), sum(rows for rows, *_ in found.values())) == (want["symbols"], 8139) == (59, 8139)
    assert not (store.root / "rejected").exists()
    agree_by(found, want["by_symbol"], normalise_symbol)
    agree(totals(store, "exchange")["pacifica"], want["total"])


@pytest.mark.soak
def test_a_month_of_fill_pieces_again_changes_nothing(real_data, store):
    import_one(store, real_data / PACIFICA, **RECORDED[PACIFICA])
    before = bytes_of(store.root)
    assert import_one(store, real_data / PACIFICA, **RECORDED[PACIFICA]).known == 8139
    assert bytes_of(store.root) == before


@pytest.mark.soak
def test_local_times_read_in_their_zone_give_the_same_events(real_data, events, store):
    columns = RECORDED[PACIFICA]["columns"].replace("time_utc", "recorded_local_time")
    file = import_one(store, real_data / PACIFICA, exchange="pacifica", columns=columns, tz="Europe/Berlin")
    assert (file.new, file.rejected) == (8139, 0)
    agree_by(totals(store), events[PACIFICA]["by_symbol"], normalise_symbol)


def test_the_file_whose_columns_change_in_the_middle(real_data, events, store):
    want = events["binance-btcusdt-2024-12/liquidation_orders.csv"]
    folder = real_data / "binance-btcusdt-2024-12"
    summary = import_files(store, [folder / "liquidation_orders.csv"], ImportOptions())
    (file,) = summary.files
    assert summary.exit_code == 6
    assert (file.format, file.new, file.doubled, file.rejected) == ("binance-stream", 1844, 0, 573)
    refused = [json.loads(line) for line in file.rejected_path.read_text().splitlines()]
    assert [row["line"] for row in refused] == list(range(1846, 2419))
    assert all("6 columns" in row["reason"] for row in refused)
    agree_by(totals(store), want["by_symbol"])

    covered = store.read_fetch_log("binance", "BTCUSDT", "binance").covered()
    gaps = Intervals([(covered[0][0], covered[-1][1])]) - covered
    assert list(gaps) == [(us(start) + 1, us(end)) for start, end, _minutes in want["quiet_periods_over_1h"]]

    frames = import_one(store, folder / "forceorder.jsonl")
    assert (frames.format, frames.rows, frames.new, frames.known) == ("binance-stream", 1844, 0, 1844)
    agree_by(totals(store), want["by_symbol"])


@pytest.mark.slow
def test_a_day_without_any_of_221_symbols_is_a_hole(recorded):
    """Nothing between 26 Jan 17:14 and 27 Jan 16:50: also for a coin without an event near its edges."""
    store = Lake(recorded(ALL_SYMBOLS))
    for symbol in ("ACHUSDT", "BTCUSDT"):
        memory = store.read_fetch_log("binance", symbol, "binance")
        hole = us("2025-01-26T17:15:00Z"), us("2025-01-27T16:50:00Z")
        assert not memory.covered() & [hole]
        assert not memory.covered(("unknown",))
    query = Query("ACHUSDT", since="2025-01-26T18:00Z", until="2025-01-27T16:30Z")
    with pytest.raises(
        EmptyWindowError, match="27 16:30 UTC; the lake holds"
    ):  # was reported as "known for 100% of it"
        compute_results(store, query, GridOptions(), ViewOptions())
    day = Query("ACHUSDT", since="2025-01-26T17:30Z", until="2025-01-27T17:30Z")
    first, _last = compute_results(store, day, GridOptions(), ViewOptions()).gaps
    assert first == (us("2025-01-26T17:30Z"), first[1])
    assert us("2025-01-27T16:50Z") < first[1] < us("2025-01-27T16:51Z")


def test_a_thin_venue_is_of_unknown_coverage(recorded):
    """Pacifica is silent for more than three hours 54 times in a month: whether its recorder ran, nobody knows."""
    memory = Lake(recorded(PACIFICA)).read_fetch_log("pacifica", "BTC", "import")
    assert (memory.covered(), len(memory.covered(("unknown",)))) == ((), 1)


def test_the_frames_alone_give_the_same_lake_as_the_rows(real_data, store, tmp_path):
    folder = real_data / "binance-btcusdt-2024-12"
    other = Lake(tmp_path / "other")
    import_one(store, folder / "liquidation_orders.csv")
    import_one(other, folder / "forceorder.jsonl")
    assert bytes_of(store.root / "liquidations") == bytes_of(other.root / "liquidations")


@pytest.mark.soak
def test_two_recorders_in_one_file_are_distinguished_from_twins(real_data, events, store):
    want = events[ALL_SYMBOLS]
    file = import_one(store, real_data / ALL_SYMBOLS)
    assert (file.rows, file.new, file.doubled, file.rejected) == (3510, 1837, 3510 - 1837, 0)
    after = want["after_event_key_dedup"]
    assert len(file.symbols) == after["symbols"] == 221
    agree_by(totals(store), after["by_symbol"], lambda cut: cut if cut.endswith("USDC") else f"{cut}USDT")
    agree(totals(store, "exchange")["binance"], after["total"])
    assert file.notional == pytest.approx(float(after["total"]["sum_usd"]), abs=1e-3)


def test_one_symbol_of_three_exchanges(real_data, events, store):
    want = events["multi-venue-eth-2026-04-03/events_utc.csv"]
    file = import_one(store, real_data / "multi-venue-eth-2026-04-03" / "events_utc.csv")
    assert (file.new, file.rejected, file.symbols) == (73, 0, ("ETHUSDT",))
    agree_by(totals(store, "exchange"), want["by_exchange"])


def test_recorded_frames(real_data, answers):
    name = "messages/recorded/binance_um_ws.jsonl"
    rows = [
        parse_order(order)
        for line in (real_data / name).read_text().splitlines()
        for order in iter_orders(json.loads(line))
    ]
    wanted = answers["messages"][name]["expected"]
    assert len(rows) == len(wanted) == 5
    for row, want in zip(rows, wanted, strict=True):
        assert (row.symbol, row.position, row.ts_us) == (want["symbol"], want["position"], want["time_ms"] * 1000)
        assert (row.price, row.qty) == (float(want["average_price"]), float(want["quantity"]))
        assert row.notional == pytest.approx(float(want["usd"]), rel=1e-12)


def test_the_frame_of_tardis_node(real_data, answers):
    name = "messages/tardis-node/binance-futures.jsonl"
    (line,) = (real_data / name).read_text().splitlines()
    (order,) = iter_orders(json.loads(line))
    (want,) = answers["messages"][name]["expected"]
    row = parse_order(order)
    assert (row.symbol, row.position, row.ts_us) == (want["symbol"], want["position"], want["time_ms"] * 1000)
    assert (row.price, row.price_kind, row.qty) == (4706.04, "fill", 0.014)  # ap and z; l is larger than z here
    unfilled = parse_order({**order, "ap": "0"})
    assert (unfilled.price, unfilled.price_kind) == (float(want["price"]), "order")


@pytest.mark.slow
def test_candles(real_data, answers, store):
    for name, want in answers["candles"].items():
        path = real_data / name
        symbol = path.name.split("_")[3]
        source = path.parent.name
        file = import_one(store, path, kind="candles", exchange="binance", symbol=symbol, source=source)
        assert (file.new, file.rejected) == (want["rows"], 0)
        assert (file.first_us, file.last_us) == (us(want["first_open"]), us(want["last_open"]))
        interval = {60: "1m", 3600: "1h"}[want["interval_seconds"]]
        glob = f"{store.root}/candles/exchange=binance-spot/symbol={symbol}/interval={interval}/*/{source}.parquet"
        with duckdb.connect() as con:
            query = (
                f"SELECT COUNT(*), MIN(low), MAX(high), FSUM(volume), ARG_MAX(close, ts) FROM read_parquet('{glob}')"
            )
            rows, low, high, volume, last = con.sql(query).fetchall()[0]
        assert (rows, low, high, last) == (
            want["rows"],
            float(want["low"]),
            float(want["high"]),
            float(want["last_close"]),
        )
        assert volume == pytest.approx(float(want["sum_volume_base"]), rel=1e-9)


@pytest.mark.slow
def test_open_interest(real_data, answers, store):
    for name, want in answers["open_interest"].items():
        symbol = Path(name).name.split("_")[4]
        file = import_one(store, real_data / name, kind="open-interest", exchange="binance", symbol=symbol)
        assert (file.new, file.rejected) == (want["rows"], 0)
        glob = f"{store.root}/open_interest/exchange=binance/symbol={symbol}/*/import.parquet"
        with duckdb.connect() as con:
            query = (
                f"SELECT COUNT(*), MIN(open_interest), MAX(open_interest), AVG(open_interest), MIN(EPOCH_US(ts)), "
                f"MAX(EPOCH_US(ts)) FROM read_parquet('{glob}')"
            )
            rows, low, high, mean, first, last = con.sql(query).fetchall()[0]
        assert (rows, low, high) == (want["rows"], float(want["min_base"]), float(want["max_base"]))
        assert mean == pytest.approx(float(want["mean_base"]), rel=1e-9)
        assert (from_us(first), from_us(last)) == (from_us(us(want["first"])), from_us(us(want["last"])))
