"""The grid: complete, exact, and independent of row order and number of threads."""

from __future__ import annotations

import csv
import io
import random
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_liquidation, make_window
from hypothesis import given, settings
from hypothesis import strategies as st

from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.price_bins import parse_bin
from liqcli.analysis.summary import busiest_bucket, rank_bands
from liqcli.core.errors import EmptyWindowError, UsageError
from liqcli.core.model import Window
from liqcli.lake.selection import Query
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.csv_parquet import render_csv, render_parquet
from liqcli.report.document import build_document
from liqcli.report.output_files import write_outputs
from liqcli.report.results import ViewOptions, compute_results
from liqcli.report.window_scans import scan_grid

SCHEMA = pa.schema(
    [
        ("ts_us", pa.int64()), ("exchange", pa.string()), ("symbol", pa.string()), ("source", pa.string()),
        ("position", pa.string()), ("price", pa.float64()), ("price_kind", pa.string()), ("qty", pa.float64()),
        ("completeness", pa.string()), ("notional_e6", pa.int64()),
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine() as opened:
        yield opened


def grid_of(engine, events, window, bin_width=None, bucket_us=None, low=None, high=None, bins=None):
    """Events are (ts_us, price, position, notional in 1e-6 USD, qty)."""
    rows = [
        {
            "ts_us": ts, "exchange": "gate", "symbol": "X", "source": "gate", "position": position, "price": price,
            "price_kind": "fill", "qty": qty, "completeness": "full", "notional_e6": e6,
        }
        for ts, price, position, e6, qty in events
    ]  # fmt: skip
    engine.register("liquidations", pa.Table.from_pylist(rows, schema=SCHEMA))
    width = parse_bin(bin_width) if bin_width else None
    return scan_grid(engine, window, GridOptions(bucket_us, width, bins, low, high))


def e6(cells):
    """USD cells as integers of millionths."""
    whole = np.rint(np.asarray(cells) * 1e6)
    assert np.allclose(np.asarray(cells) * 1e6, whole, rtol=1e-15, atol=1e-3)
    return whole.astype(np.int64)


def decimal_bin(price, width):
    """The bin by decimal arithmetic on the price as text."""
    return int(Decimal(repr(price)) / Decimal(width) // 1)


def rows_of(grid, bin_width):
    """Bin number of row 0."""
    return round(Decimal(repr(float(grid.price_edges[0]))) / Decimal(bin_width))


# ------------------------------------------------------------------ by hand


def test_six_events_by_hand(engine):
    events = [
        (T0, 100.0, "long", 5_000_000, 1.0),
        (T0 + MINUTE - 1, 100.49, "long", 1, 0.5),
        (T0 + MINUTE, 100.5, "short", 7_000_000, 2.0),
        (T0 + 2 * MINUTE, 100.5, "long", 250_000, 0.25),
        (T0 + 2 * MINUTE, 100.99, "short", 750_000, 0.75),
        (T0 + 4 * MINUTE - 1, 102.0, "short", 3_000_000, 4.0),
    ]
    grid = grid_of(engine, events, Window(T0, T0 + 4 * MINUTE), "0.5", MINUTE)
    assert grid.price_edges.tolist() == [100.0, 100.5, 101.0, 101.5, 102.0, 102.5]
    assert grid.bucket_starts_us.tolist() == [T0, T0 + MINUTE, T0 + 2 * MINUTE, T0 + 3 * MINUTE]
    assert grid.notional.tolist() == [
        [5.000001, 0, 0, 0],
        [0, 7, 1, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 3],
    ]
    assert grid.long_notional[1].tolist() == [0, 0, 0.25, 0]
    assert grid.short_notional[1].tolist() == [0, 7, 0.75, 0]
    assert grid.events.tolist() == [[2, 0, 0, 0], [0, 1, 2, 0], [0] * 4, [0] * 4, [0, 0, 0, 1]]
    assert grid.qty.tolist() == [[1.5, 0, 0, 0], [0, 2, 1, 0], [0] * 4, [0] * 4, [0, 0, 0, 4]]
    assert (grid.outside_notional, grid.outside_events) == (0, 0)


def test_buckets_are_multiples_since_the_epoch_and_cover_the_window(engine):
    # 00:07 to 00:16 in steps of 5 min: 00:05, 00:10, 00:15. The edges stay on the clock, not on the window.
    window = Window(T0 + 7 * MINUTE, T0 + 16 * MINUTE)
    grid = grid_of(engine, [(T0 + 15 * MINUTE, 100.0, "long", 9, 1.0)], window, "1", 5 * MINUTE)
    assert grid.bucket_starts_us.tolist() == [T0 + 5 * MINUTE, T0 + 10 * MINUTE, T0 + 15 * MINUTE]
    assert grid.events.tolist() == [[0, 0, 1]]
    assert all(start % (5 * MINUTE) == 0 for start in grid.bucket_starts_us.tolist())


def test_a_window_that_ends_on_an_edge_has_no_bucket_beyond(engine):
    event = [(T0, 100.0, "long", 9, 1.0)]
    assert len(grid_of(engine, event, Window(T0, T0 + HOUR), "1", 5 * MINUTE).bucket_starts_us) == 12
    assert len(grid_of(engine, event, Window(T0, T0 + HOUR + 1), "1", 5 * MINUTE).bucket_starts_us) == 13


def test_a_day_of_few_events_has_coarse_round_steps(engine):
    """24 events: 144 columns x sqrt(24 / 400) = 35, the nearest step is 30 min; 78 rows become 19, 8,000 / 19 = 421."""
    # 94,000 to 102,000; the odd ones lie 0.1 lower, which is the tick.
    prices = [94_000 + 500 * (k % 17) - (k % 17 % 2) / 10 for k in range(24)]
    events = [(T0 + k * HOUR, price, "long", 1_000_000, 1.0) for k, price in enumerate(prices)]
    grid = grid_of(engine, events, Window(T0, T0 + DAY))
    assert (grid.bucket_us, grid.bin.text(), len(grid.bucket_starts_us)) == (30 * MINUTE, "500", 48)
    assert len(grid.price_edges) == 18  # 94,000 to 102,000 in steps of 500, and the bin that 102,000 opens


def test_two_bursts_twenty_hours_apart_give_the_full_grid(engine):
    """peers.md 6 #22: a GROUP BY alone gave 2 columns; 20 h in steps of 2 h are 11."""
    burst = [(T0 + k, 100.0 + k % 5, "long", 1_000_000, 1.0) for k in range(10)]
    later = [(T0 + 20 * HOUR + k, 149.0 - k % 5, "short", 1_000_000, 1.0) for k in range(10)]
    grid = grid_of(engine, burst + later, Window(T0, T0 + 22 * HOUR), "1", 2 * HOUR)
    assert grid.notional.shape == (50, 11)
    assert set(np.diff(grid.bucket_starts_us).tolist()) == {2 * HOUR}
    assert set(np.diff(grid.price_edges).tolist()) == {1.0}
    assert grid.events.sum(axis=0).tolist() == [10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10]


def test_a_price_range_is_half_open_and_what_lies_outside_is_counted(engine):
    events = [(T0, price, "long", 1_000_000 * k, 1.0) for k, price in enumerate([99.9, 100.0, 100.5, 101.0], start=1)]
    grid = grid_of(engine, events, Window(T0, T0 + HOUR), "0.5", HOUR, low=100.0, high=101.0)
    assert grid.notional.tolist() == [[2], [3]]
    assert grid.price_edges.tolist() == [100, 100.5, 101]
    assert (grid.outside_notional, grid.outside_events) == (5, 2)


def test_empty_price_range_reports_where_the_events_are(engine):
    events = [(T0, 100.0, "long", 1, 1.0), (T0, 123.45, "long", 1, 1.0)]
    with pytest.raises(EmptyWindowError, match=r"all 2 events lie outside; they printed between 100 and 123.45"):
        grid_of(engine, events, Window(T0, T0 + HOUR), low=200.0, high=300.0)


def test_too_large_grid_is_rejected_before_it_is_built(engine):
    events = [(T0, 1.0, "long", 1, 1.0), (T0, 100_000.0, "long", 1, 1.0)]
    with pytest.raises(UsageError, match=r"^--bin: a width of 0.01 makes 9,999,9"):
        grid_of(engine, events, Window(T0, T0 + HOUR), "0.01")
    with pytest.raises(UsageError, match=r"^--bucket: 86,400 columns"):
        grid_of(engine, events, Window(T0, T0 + DAY), "1000", 1_000_000)
    with pytest.raises(UsageError, match="too many figures"):
        grid_of(engine, events[1:], Window(T0, T0 + HOUR), "0.123456789012")


# ------------------------------------------------------------------ every width, every edge


def ticks(low, high, digits):
    """Every price of a tick of 10^-digits from low to high, as a feed writes it."""
    scale = 10**digits
    return [k / scale for k in range(low * scale, high * scale)]


@pytest.mark.parametrize(
    ("low", "high", "digits", "width"),
    [(100, 300, 2, "0.1"), (100, 300, 2, "0.05"), (1, 5, 4, "0.001"), (100, 300, 2, "0.25"), (60000, 60200, 2, "2.5")],
)
def test_no_price_is_misplaced(engine, low, high, digits, width):
    """peers.md 4.3: plain floor(price / width) put 647, 1293 and 54 of these one bin too low."""
    prices = ticks(low, high, digits)
    window = Window(T0, T0 + len(prices))
    grid = grid_of(engine, [(T0 + k, p, "long", 1, 1.0) for k, p in enumerate(prices)], window, width, 1 << 40)
    counts = np.zeros(len(grid.price_edges) - 1, dtype=int)
    first = rows_of(grid, width)
    for price in prices:
        counts[decimal_bin(price, width) - first] += 1
    assert grid.events.sum(axis=1).tolist() == counts.tolist()
    assert [repr(e) for e in grid.price_edges.tolist()] == [
        repr(float(Decimal(width) * (first + k))) for k in range(len(counts) + 1)
    ]


@pytest.mark.parametrize("width", ["0.1", "0.05", "0.001", "0.3", "0.7", "0.0000125", "0.00000001", "2.5", "7"])
def test_the_last_double_below_an_edge_falls_below_it(engine, width):
    """The other way round: ``price / width`` may round up to a whole number that the price does not reach."""
    first = 4_000_000
    below = [float(np.nextafter(float(Decimal(width) * (first + k)), 0)) for k in range(1, 2001)]
    grid = grid_of(engine, [(T0, p, "long", 1, 1.0) for p in below], Window(T0, T0 + 1), width, HOUR)
    assert rows_of(grid, width) == first
    assert grid.events[:, 0].tolist() == [1] * 2000


WIDTHS = ("0.1", "0.05", "0.001", "0.25", "2.5", "50", "0.00000001", "0.3", "7", "0.0000125")


@st.composite
def scenes(draw):
    """A width, prices on and beside its edges, a window, a bucket, and sometimes a price range."""
    width = draw(st.sampled_from(WIDTHS))
    base = draw(st.integers(1, 2_000_000))
    step = Decimal(width)

    def price(k, part):
        return float(step * (base + k) + step * part / 8)

    prices = st.builds(price, st.integers(0, 40), st.sampled_from([0, 0, 1, 7]))
    bucket = draw(st.sampled_from([1_000_000, MINUTE, 7 * MINUTE, HOUR]))
    start = T0 + draw(st.integers(0, 3 * HOUR))
    length = draw(st.integers(1, 40 * bucket))
    event = st.tuples(
        st.integers(start, start + length - 1),
        prices,
        st.sampled_from(["long", "short"]),
        st.one_of(st.integers(1, 100), st.integers(1, 10**13)),
        st.integers(1, 10**6).map(lambda n: n / 1000),
    )
    events = draw(st.lists(event, min_size=1, max_size=30))
    if draw(st.booleans()):
        low, high = price(draw(st.integers(0, 20)), draw(st.integers(0, 7))), price(draw(st.integers(21, 45)), 0)
    else:
        low = high = None
    return width, bucket, Window(start, start + length), events, low, high


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(scene=scenes())
def test_every_event_lies_in_its_cell_and_every_millionth_is_there(engine, scene):
    width, bucket, window, events, low, high = scene
    inside = [e for e in events if low is None or low <= e[1] < high]
    if not inside:
        with pytest.raises(EmptyWindowError):
            grid_of(engine, events, window, width, bucket, low, high)
        return
    grid = grid_of(engine, events, window, width, bucket, low, high)
    if low is None:  # what would flatten the rest is left out: half a percent of the USD at the most
        inside = [e for e in events if grid.price_low <= e[1] < grid.price_high]
        assert 1000 * grid.outside_notional <= 5 * sum(e[3] for e in events) / 1e6
    # An asked range is drawn whole: from the bin of its lower end to the one that its upper end closes or lies in.
    first_row = min(decimal_bin(e[1], width) for e in inside) if low is None else decimal_bin(low, width)
    assert low is None or grid.price_edges[-2] < high <= grid.price_edges[-1]
    first_column = window.start_us // bucket
    expected = {"long": np.zeros(grid.notional.shape, np.int64), "short": np.zeros(grid.notional.shape, np.int64)}
    counts = {"long": np.zeros(grid.notional.shape, np.int64), "short": np.zeros(grid.notional.shape, np.int64)}
    for ts, price, position, money, _qty in inside:
        cell = decimal_bin(price, width) - first_row, ts // bucket - first_column
        expected[position][cell] += money
        counts[position][cell] += 1
    assert np.array_equal(e6(grid.long_notional), expected["long"])
    assert np.array_equal(e6(grid.short_notional), expected["short"])
    assert np.array_equal(grid.long_events, counts["long"])
    assert np.array_equal(grid.short_events, counts["short"])
    assert sum(map(int, e6(grid.long_notional).flat)) + sum(map(int, e6(grid.short_notional).flat)) + round(
        grid.outside_notional * 1e6
    ) == sum(e[3] for e in events)
    assert grid.outside_events == len(events) - len(inside)
    assert grid.price_edges.tolist() == [float(Decimal(width) * (first_row + k)) for k in range(len(grid.price_edges))]
    starts = grid.bucket_starts_us.tolist()
    assert starts[0] <= window.start_us < starts[0] + bucket
    assert starts[-1] < window.end_us <= starts[-1] + bucket
    assert all(b - a == bucket for a, b in pairwise(starts))


# ------------------------------------------------------------------ bands and buckets of a grid


def test_bands_rank_by_usd_then_nearer_then_lower(engine):
    events = [
        (T0, 100.0, "long", 5_000_000, 1.0),
        (T0, 103.0, "long", 5_000_000, 1.0),
        (T0, 106.0, "short", 5_000_000, 1.0),
        (T0, 110.0, "short", 5_000_000, 1.0),
        (T0, 110.5, "long", 1_000_000, 1.0),
    ]
    grid = grid_of(engine, events, Window(T0, T0 + HOUR), "1", HOUR)
    # Last price 105: the middles 103.5 and 106.5 lie equally near, the lower one comes first; 100.5 is farther.
    bands = rank_bands(grid, 105.0)
    assert [(b.rank, b.low, b.high, b.notional, b.events) for b in bands] == [
        (1, 110, 111, 6, 2),
        (2, 103, 104, 5, 1),
        (3, 106, 107, 5, 1),
        (4, 100, 101, 5, 1),
    ]
    assert [round(b.share, 9) for b in bands] == [0.285714286, 0.238095238, 0.238095238, 0.238095238]
    assert (bands[0].long_notional, bands[0].short_notional) == (1, 5)
    assert [b.distance_pct for b in bands[:2]] == pytest.approx([100 * 5.5 / 105, -100 * 1.5 / 105])
    assert [b.rank for b in rank_bands(grid, None, most=2)] == [1, 2]
    assert rank_bands(grid, None)[0].distance_pct is None


def test_the_busiest_bucket_is_the_earlier_on_a_tie(engine):
    events = [(T0 + k * HOUR, 100.0, "long", m, 1.0) for k, m in enumerate([3, 8, 8, 1])]
    grid = grid_of(engine, events, Window(T0, T0 + 4 * HOUR), "1", HOUR)
    assert busiest_bucket(grid) == (T0 + HOUR, 8e-6)


# ------------------------------------------------------------------ exports


def test_csv_and_parquet_by_hand(engine):
    events = [
        (T0 + MINUTE, 0.00002105, "short", 2_500_000, 1000.0),
        (T0 + MINUTE, 0.00002105, "long", 1, 2.0),
        (T0, 0.00002115, "long", 333_333, 0.1),
        (T0, 0.00002115, "long", 333_334, 0.2),
    ]
    grid = grid_of(engine, events, Window(T0, T0 + 2 * MINUTE), "0.0000001", MINUTE)
    assert render_csv(grid) == (
        "bucket_start,price_low,price_high,position,notional,qty,events\n"
        "2026-03-01T00:00:00Z,2.11e-05,2.12e-05,long,0.666667,0.3,2\n"
        "2026-03-01T00:01:00Z,2.1e-05,2.11e-05,long,1e-06,2.0,1\n"
        "2026-03-01T00:01:00Z,2.1e-05,2.11e-05,short,2.5,1000.0,1\n"
    )
    table = pq.read_table(io.BytesIO(render_parquet(grid)))
    assert table.schema.field("bucket_start").type == pa.timestamp("us", "UTC")
    assert table["bucket_start"].cast(pa.int64()).to_pylist() == [T0, T0 + MINUTE, T0 + MINUTE]
    columns = table.drop_columns("bucket_start").to_pylist()
    assert [[str(v) for v in row.values()] for row in columns] == [
        line[1:] for line in csv.reader(io.StringIO(render_csv(grid))) if line[0] != "bucket_start"
    ]


# ------------------------------------------------------------------ order and threads


@pytest.mark.slow
@pytest.mark.usefixtures("empty_pictures")
def test_shuffled_rows_and_any_number_of_threads_give_the_same_bytes(tmp_path, monkeypatch):
    """Two months, two exchanges, sums that doubles would add differently in another order."""
    shuffler = random.Random(1)
    rows = [
        make_liquidation(
            T0 + 25 * DAY + shuffler.randrange(8 * DAY), price=round(100 + shuffler.gauss(0, 3), 2),
            qty=shuffler.random(), notional=round(0.001 + shuffler.random() * 10 ** shuffler.randrange(6), 3),
            position=shuffler.choice(["long", "short"]), exchange=exchange, source=exchange,
            price_kind="bankruptcy" if exchange == "okx" else "fill",
        )
        for exchange in ("gate", "okx")
        for _ in range(2500)
    ]  # fmt: skip
    made = {}
    numbers = ("r.json", "r.csv", "r.parquet")
    pages = ("r.html",)
    for turn, threads in enumerate((1, 4)):
        monkeypatch.setenv("LIQCLI_THREADS", str(threads))
        shuffler.shuffle(rows)
        store = fill_lake(tmp_path / "lake", rows)
        query = Query("SOL", since="2026-03-26T00:00Z", until="2026-04-03T00:00Z")
        findings = compute_results(store, query, GridOptions(), ViewOptions(theme="dark"))
        written = write_outputs(findings, [tmp_path / str(turn) / name for name in (*numbers, *pages)])
        made[threads] = {path.name: path.read_bytes() for path in written}
    assert {*numbers, *pages} == set(made[1])
    assert made[1] == made[4]
    report = build_document(findings)
    assert report["meta"]["events"] == 5000
    assert sum(round(v * 1e6) for row in report["grid"]["notional"] for v in row) == sum(
        round(row.notional * 1e6) for row in rows
    )


def test_events_on_the_window_edges(tmp_path):
    window = make_window("2026-03-01T10:00Z", "2026-03-01T11:00Z")
    times = [window.start_us - 1, window.start_us, window.end_us - 1, window.end_us]
    store = fill_lake(tmp_path / "lake", [make_liquidation(ts, qty=10.0**k) for k, ts in enumerate(times)])
    query = Query("SOLUSDT", since="2026-03-01T10:00Z", until="2026-03-01T11:00Z")
    findings = compute_results(store, query, GridOptions(bucket_us=5 * MINUTE), ViewOptions())
    assert findings.summary.sums.events == 2
    assert findings.grid.qty.tolist() == [[10] + [0] * 10 + [100]]


def test_a_window_worth_less_than_a_millionth_of_a_dollar_is_empty(lake):
    """4e-7 USD rounds to 0: no share can be taken of it. Beside other events it counts as an event of 0 USD."""
    dust = make_liquidation(T0 + HOUR, price=4.0, qty=1e-7, notional=4e-7)
    query = Query("SOLUSDT", since="2026-03-01T00:00Z", until="2026-03-02T00:00Z")
    store = fill_lake(lake, [dust])
    with pytest.raises(EmptyWindowError, match="the 1 event of the window is worth less than a millionth of a dollar"):
        compute_results(store, query, GridOptions(), ViewOptions())
    report = build_document(
        compute_results(fill_lake(lake, [make_liquidation(T0 + HOUR)]), query, GridOptions(), ViewOptions())
    )
    assert (report["meta"]["events"], report["meta"]["notional"]) == (2, 100)
