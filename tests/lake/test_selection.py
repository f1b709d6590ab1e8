"""The selection of rows for a query."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factories import DAY, HOUR, MINUTE, T0, covered, fill_lake, make_liquidation
from products import pairs

from liqcli.analysis.summary import build_summary
from liqcli.core.coverage import common_gaps, common_unknown, overall_share
from liqcli.core.errors import DamagedError, EmptyWindowError, ExitCode, UsageError
from liqcli.lake.selection import Query, build_selection
from liqcli.lake.status import build_status
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.query.scans import scan_totals
from liqcli.report.lake_records import comparison_record
from liqcli.sources.registry import is_fetched

DAY_ONE = {"since": "2026-03-01T00:00Z", "until": "2026-03-02T00:00Z"}


def select(store, symbol="SOLUSDT", **words):
    """The selection, and its sums."""
    words = {**DAY_ONE, **words}
    with DuckDBEngine() as engine:
        selection = build_selection(engine, store, Query(symbol, **words), is_fetched)
        return selection, build_summary(scan_totals(engine))


def usd(store, symbol="SOLUSDT", **words):
    return select(store, symbol, **words)[1].sums.notional


def message(store, symbol="SOLUSDT", kind=EmptyWindowError, **words):
    with pytest.raises(kind) as caught:
        select(store, symbol, **words)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def store(lake):
    """SOL on a linear and an inverse contract, one in USDC, and another coin with the same prefix."""
    rows = [
        make_liquidation(T0, notional=1.0),
        make_liquidation(T0, notional=2.0, exchange="okx", source="okx", instrument="SOL-USDT-SWAP", position="short"),
        make_liquidation(T0, notional=4.0, exchange="kraken", source="tardis", symbol="SOLUSD"),
        make_liquidation(T0, notional=8.0, symbol="SOLUSDC", exchange="deribit", source="tardis"),
        make_liquidation(T0, notional=16.0, symbol="SOLVUSDT"),
        make_liquidation(T0, notional=32.0, symbol="BTCUSD", exchange="kraken", source="tardis"),
    ]
    return fill_lake(lake, rows)


# ------------------------------------------------------------------ symbols


@pytest.mark.parametrize("spelling", ["SOLUSDT", "solusdt", "SOL-USDT-SWAP", "SOL_USDT", "SOL/USDT:USDT", " SolUsdt "])
def test_every_spelling_means_the_same(store, spelling):
    selection, summary = select(store, spelling)
    assert (selection.label, selection.symbols, summary.sums.notional) == ("SOLUSDT", ("SOLUSDT",), 3)


def test_a_bare_base_adds_up_linear_and_inverse(store):
    selection, summary = select(store, "sol")
    assert (selection.label, selection.symbols) == ("SOL", ("SOLUSD", "SOLUSDC", "SOLUSDT"))
    assert summary.sums.notional == 1 + 2 + 4 + 8
    assert [(e.exchange, e.sums.notional) for e in summary.exchanges] == [
        ("deribit", 8), ("kraken", 4), ("okx", 2), ("gate", 1),
    ]  # fmt: skip


def test_a_bare_base_with_one_contract_is_called_by_it(store):
    assert select(store, "XBT")[0].label == "BTCUSD"


def test_unknown_symbol_gets_the_nearest_names(store):
    assert message(store, "SOLUSDD", UsageError).startswith("unknown symbol 'SOLUSDD'; did you mean SOLUSD")
    assert "SOLVUSDT" in message(store, "SOLVUSDTT", UsageError)
    assert UsageError.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("name", ["../x", "a/b", "x;DROP", "<script>", "", "'; --"])
def test_hostile_symbols_are_rejected(store, name):
    with pytest.raises(UsageError):
        select(store, name)


def test_a_known_coin_that_was_never_fetched_is_no_typo(store):
    text = message(store, "ETHUSDT")
    assert text == (
        f"no liquidations of ETHUSDT in the lake {store.root} (it holds BTCUSD, SOLUSD, SOLUSDC, SOLUSDT, SOLVUSDT); "
        "to fetch it: liqcli fetch --symbol ETHUSDT"
    )


def test_empty_lake_is_reported(lake):
    assert "(it is empty); to fetch it: liqcli fetch --symbol SOLUSDT" in message(Lake(lake), "SOL-USDT-SWAP")
    assert "it is empty" in message(Lake(lake), until="latest", since=None)


def test_lake_path_with_glob_characters(tmp_path):
    fill_lake(tmp_path / "xyz", [make_liquidation(notional=1.0)])
    assert usd(fill_lake(tmp_path / "x*z", [make_liquidation(notional=2.0)])) == 2
    assert usd(fill_lake(tmp_path / "x[y]z", [make_liquidation(notional=4.0)])) == 4


# ------------------------------------------------------------------ windows


def test_empty_window_reports_contents_and_a_fetch(store):
    text = message(store, since="2026-03-05T00:00Z", until="2026-03-06T12:30Z")
    assert text == (
        "no liquidations of SOLUSDT in 2026-03-05 00:00 to 2026-03-06 12:30 UTC; the lake holds 2 events from "
        "2026-03-01 00:00 to 2026-03-01 00:00 UTC (--until latest shows the last ones); to fill the window: "
        "liqcli fetch --symbol SOLUSDT --since 2026-03-05T00:00:00Z --until 2026-03-06T12:30:00Z"
    )
    assert EmptyWindowError.exit_code == ExitCode.NO_DATA


def test_the_window_is_half_open(lake):
    times = [T0 - 1, T0, T0 + DAY - 1, T0 + DAY]
    store = fill_lake(lake, [make_liquidation(ts, notional=10.0**k) for k, ts in enumerate(times)])
    assert usd(store) == 10 + 100
    assert usd(store, since="2026-03-02T00:00Z", until="2026-03-02T00:01Z") == 1000
    assert usd(store, since="2026-02-28T23:00Z", until="2026-03-01T00:00Z") == 1


def test_a_window_in_another_time_zone(lake):
    store = fill_lake(lake, [make_liquidation("2026-02-28T18:30Z", notional=5.0), make_liquidation(T0, notional=7.0)])
    # 2026-03-01 in India begins at 18:30 UTC of the day before.
    found = usd(store, since="2026-03-01T00:00+05:30", until="2026-03-01T05:30+05:30")
    assert found == 5


def test_latest_ends_at_the_minute_after_the_last_event(lake):
    last = T0 + 5 * HOUR + 30_000_000
    store = fill_lake(lake, [make_liquidation(last - HOUR), make_liquidation(last), make_liquidation(T0)])
    selection, summary = select(store, since=None, until="latest", lookback="1h")
    assert selection.window.interval == (T0 + 4 * HOUR + MINUTE, T0 + 5 * HOUR + MINUTE)
    assert summary.sums.events == 1
    on_the_minute = fill_lake(lake, [make_liquidation(T0 + 6 * HOUR)])
    assert select(on_the_minute, since=None, until="latest", lookback="1m")[0].window.interval == (
        T0 + 6 * HOUR,
        T0 + 6 * HOUR + MINUTE,
    )


def test_windows_over_a_month_end(lake):
    rows = [make_liquidation(f"2026-03-31T{h}:00Z", notional=1.0) for h in (20, 23)]
    rows += [
        make_liquidation("2026-04-01T00:00Z", notional=10.0),
        make_liquidation("2026-04-01T03:00Z", notional=100.0),
    ]
    store = fill_lake(lake, rows)
    assert usd(store, since="2026-03-31T23:00Z", until="2026-04-01T01:00Z") == 11


# ------------------------------------------------------------------ filters


def test_position_and_min_usd(lake):
    rows = [make_liquidation(T0 + k, notional=v, position=p) for k, (v, p) in enumerate(
        [(99.99, "long"), (100.0, "long"), (100.01, "short"), (7.0, "short")]
    )]  # fmt: skip
    store = fill_lake(lake, rows)
    assert usd(store) == 307
    assert usd(store, position="long") == 199.99
    assert usd(store, position="short") == 107.01
    assert usd(store, min_usd=100.0) == 200.01  # the smallest that counts is inside
    assert usd(store, position="short", min_usd=100.0) == 100.01
    text = message(store, position="long", min_usd=500.0)
    assert "no liquidations of SOLUSDT that pass --position and --min-usd in" in text


def test_exchanges(store):
    assert usd(store, exchanges=("okx",)) == 2
    assert usd(store, exchanges=("okx", "gate")) == 3
    assert "no liquidations of SOLUSDT on bybit in the lake" in message(store, exchanges=("bybit",))


# ------------------------------------------------------------------ two sources, one exchange


def overlapping(lake):
    """Bybit by a full source in hours 6 to 12, and by a sampled one all day; each event a power of two."""

    def row(hour, power, source, completeness):
        return make_liquidation(
            T0 + hour * HOUR, notional=2.0**power, exchange="bybit", source=source, completeness=completeness
        )

    rows = [
        row(1, 0, "recorder", "sampled"),
        row(6, 1, "recorder", "sampled"),  # the full source's first instant
        row(7, 2, "recorder", "sampled"),
        row(12, 3, "recorder", "sampled"),  # the full source's end: no longer its own
        row(20, 4, "recorder", "sampled"),
        row(6, 5, "tardis", "full"),
        row(8, 6, "tardis", "full"),
        make_liquidation(T0 + 7 * HOUR, notional=1024.0),  # Gate has nothing to do with it
    ]
    memories = {
        ("bybit", "SOLUSDT", "recorder"): [(T0, T0 + DAY, "inferred")],
        ("bybit", "SOLUSDT", "tardis"): [(T0 + 6 * HOUR, T0 + 12 * HOUR, "complete")],
    }
    return fill_lake(lake, rows, memories)


def test_full_beats_sampled_and_the_rest_is_filled(lake):
    selection, summary = select(overlapping(lake))
    by_exchange = {e.exchange: e for e in summary.exchanges}
    assert by_exchange["gate"].sums.notional == 1024
    # Counted: 1 at hour 1; 32 and 64 of the full source instead of 2 and 4; 8 and 16 after it.
    assert by_exchange["bybit"].sums.notional == 1 + 32 + 64 + 8 + 16
    assert by_exchange["bybit"].completeness == ("full", "sampled")
    assert summary.completeness == "mixed"
    (comparison,) = selection.comparisons  # in hours 6 to 12: 2 + 4 of the one, 32 + 64 of the other; gate has one
    assert comparison_record(comparison) == {
        "exchange": "bybit",
        "symbol": "SOLUSDT",
        "seconds": 6 * 3600,
        "counted": {"sources": ["tardis"], "events": 2, "notional": 96, "long_notional": 96},
        "left_out": {"sources": ["recorder"], "events": 2, "notional": 6, "long_notional": 6},
    }
    assert comparison.text == (
        "bybit SOLUSDT: tardis counted and recorder left out for the 6 h that both cover: "
        "2 events, 96.0 USD (100% long), against 2 events, 6.00 USD (100% long)"
    )


def test_inside_the_full_stretch_only_the_full_source_counts(lake):
    store = overlapping(lake)
    window = {"since": "2026-03-01T06:00Z", "until": "2026-03-01T12:00Z", "exchanges": ("bybit",)}
    selection, summary = select(store, **window)
    assert summary.sums.notional == 96
    assert summary.completeness == "full"
    assert [(c.source, c.counted, c.length_us) for c in selection.comparisons] == [("recorder", ("tardis",), 6 * HOUR)]


def test_the_comparison_is_of_what_the_report_counts(lake):
    """Only orders from 5 USD on: 32 + 64 against nothing of 2 + 4; only shorts: nothing against nothing."""
    large, _ = select(overlapping(lake), min_usd=5.0)
    assert [(c.instead.events, c.left_out.events) for c in large.comparisons] == [(2, 0)]
    assert "against 0 events, 0 USD" in large.comparisons[0].text
    assert "long" not in large.comparisons[0].text.split("against")[1]


def test_sources_one_after_the_other_are_nothing_to_compare(lake):
    rows = [make_liquidation(T0 + HOUR, source="a"), make_liquidation(T0 + 5 * HOUR, source="b")]
    memories = {
        ("gate", "SOLUSDT", "a"): [(T0, T0 + 2 * HOUR, "complete")],
        ("gate", "SOLUSDT", "b"): [(T0 + 2 * HOUR, T0 + DAY, "complete")],
    }
    assert select(fill_lake(lake, rows, memories))[0].comparisons == ()


def test_three_sources(lake):
    """a covers hours 0 to 4, b 2 to 8, c all day; a is the best, then b: 1 + 2, 8, 64 count."""
    rows = [
        make_liquidation(T0 + hour * HOUR, notional=2.0**power, source=source, completeness=kind, price_kind=price)
        for hour, power, source, kind, price in [
            (1, 0, "a", "full", "fill"), (3, 1, "a", "full", "fill"),
            (3, 2, "b", "full", "bankruptcy"), (5, 3, "b", "full", "bankruptcy"),
            (3, 4, "c", "sampled", "fill"), (5, 5, "c", "sampled", "fill"), (20, 6, "c", "sampled", "fill"),
        ]
    ]  # fmt: skip
    spans = {"a": (0, 4), "b": (2, 8), "c": (0, 24)}
    memories = {
        ("gate", "SOLUSDT", name): [(T0 + start * HOUR, T0 + end * HOUR, "complete")]
        for name, (start, end) in spans.items()
    }
    selection, summary = select(fill_lake(lake, rows, memories))
    assert summary.sums.notional == 1 + 2 + 8 + 64
    found = {c.source: (c.counted, c.length_us // HOUR, c.instead.notional, c.left_out.notional)
             for c in selection.comparisons}  # fmt: skip
    assert found == {"b": (("a",), 2, 2, 4), "c": (("a", "b"), 8, 1 + 2 + 8, 16 + 32)}


def test_a_stretch_known_to_be_empty_is_not_filled_by_the_sampled_source_when_the_full_one_has_events(lake):
    rows = [
        make_liquidation(T0 + HOUR, notional=1.0, source="a"),
        make_liquidation(T0 + 5 * HOUR, notional=2.0, source="b", completeness="sampled"),
    ]
    day = [(T0, T0 + DAY, "complete")]
    store = fill_lake(lake, rows, {("gate", "SOLUSDT", "a"): day, ("gate", "SOLUSDT", "b"): day})
    assert usd(store) == 1


def test_coverage_of_the_window(lake):
    selection, _ = select(overlapping(lake))
    found = {c.exchange: (c.share, c.inferred, c.sources, c.gaps, c.unknown) for c in selection.coverage}
    assert found["bybit"] == (1, True, ("recorder", "tardis"), (), ())
    assert found["gate"] == (None, False, ("gate",), (), ((T0, T0 + DAY),))  # rows, and nothing says how they came


def test_rows_without_a_fetch_log_are_unknown_not_absent(lake):
    """Another program wrote them, or the folder was copied in part; two such sources share the time by their rows."""
    rows = [
        make_liquidation(T0 + HOUR, notional=1.0, source="a"),
        make_liquidation(T0 + 2 * HOUR, notional=2.0, source="a"),
        make_liquidation(T0 + 5 * HOUR, notional=4.0, source="b", completeness="sampled"),
        make_liquidation(T0 + 6 * HOUR, notional=8.0, source="b", completeness="sampled"),
    ]
    selection, summary = select(fill_lake(lake, rows))
    assert summary.sums.notional == 1 + 2 + 4 + 8
    (known,) = selection.coverage
    assert (known.share, known.gaps, known.unknown) == (None, (), ((T0, T0 + DAY),))
    assert overall_share(selection.coverage) is None
    assert not common_gaps(selection.coverage, selection.window)
    assert common_unknown(selection.coverage) == ((T0, T0 + DAY),)


def test_what_another_source_recorded_is_known_beside_one_without_a_fetch_log(lake):
    rows = [make_liquidation(T0 + HOUR), make_liquidation(T0 + HOUR, source="other")]
    known_hours = {("gate", "SOLUSDT", "gate"): [(T0, T0 + 6 * HOUR, "complete")]}
    (known,) = select(fill_lake(lake, rows, known_hours))[0].coverage
    assert (known.share, known.intervals, known.unknown) == (
        None,
        ((T0, T0 + 6 * HOUR),),
        ((T0 + 6 * HOUR, T0 + DAY),),
    )


def test_rows_of_a_thin_file_count_where_its_coverage_is_unknown(lake):
    rows = [
        make_liquidation(T0 + HOUR, notional=1.0, source="a"),
        make_liquidation(T0 + 5 * HOUR, notional=2.0, source="b", completeness="sampled"),
    ]
    memories = {
        ("gate", "SOLUSDT", "a"): [(T0, T0 + 2 * HOUR, "unknown")],
        ("gate", "SOLUSDT", "b"): [(T0 + 4 * HOUR, T0 + 6 * HOUR, "unknown")],
    }
    selection, summary = select(fill_lake(lake, rows, memories))
    assert summary.sums.notional == 3
    (known,) = selection.coverage
    assert (known.share, known.inferred, known.intervals) == (None, False, ())
    assert list(known.gaps) == [(T0 + 2 * HOUR, T0 + 4 * HOUR), (T0 + 6 * HOUR, T0 + DAY)]


# ------------------------------------------------------------------ damage


def break_footer(path, _column):
    path.write_bytes(path.read_bytes()[:-30])


def break_page(path, column):
    content = bytearray(path.read_bytes())
    with path.open("rb") as handle:
        group = pq.read_metadata(handle).row_group(0)
    chunk = next(c for c in map(group.column, range(group.num_columns)) if c.path_in_schema == column)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content[start : start + chunk.total_compressed_size] = b"\xaa" * chunk.total_compressed_size
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "column"),
    [(break_footer, ""), (break_page, "ts"), (break_page, "price"), (break_page, "notional"), (break_page, "source")],
)
def test_a_damaged_file_is_named_and_the_others_are_used(lake, damage, column):
    rows = [make_liquidation(T0 + k, price=100 + k / 7, notional=1.0) for k in range(200)]
    rows += [make_liquidation(T0 + 5, notional=5.0, exchange="okx", source="okx")]
    store = fill_lake(lake, rows)
    path = next(p.path(lake) for p in store.partitions() if p.exchange == "gate")
    damage(path, column)
    selection, summary = select(store)
    assert selection.damaged == (path,)
    assert summary.sums.notional == 5
    with pytest.raises(DamagedError, match=r"exchange=gate/symbol=SOLUSDT/month=2026-03/gate\.parquet"):
        select(store, exchanges=("gate",))


def test_when_the_better_source_is_damaged_the_other_one_counts(lake):
    """The damaged file's claim on its hours must not silence the source that can be read."""
    store = overlapping(lake)
    path = next(p.path(lake) for p in store.partitions() if p.source == "tardis")
    break_footer(path, "")
    selection, summary = select(store, exchanges=("bybit",))
    assert selection.damaged == (path,)
    assert summary.sums.notional == 1 + 2 + 4 + 8 + 16


def test_damaged_fetch_log_is_reported(lake):
    """What the full source covers is not known any more: the other one counts alone, nothing twice."""
    store = overlapping(lake)
    path = lake / "windows/exchange=bybit/symbol=SOLUSDT/tardis.json"
    path.write_text("{")
    selection, summary = select(store, exchanges=("bybit",))
    assert selection.damaged == (path,)
    assert summary.sums.notional == 1 + 2 + 4 + 8 + 16


def test_rows_a_fetch_found_gone_no_longer_count(lake):
    store = overlapping(lake)
    store.replace_window("gate", "SOLUSDT", "gate", [covered(T0, T0 + DAY)], [])
    assert usd(store) == 121


# ------------------------------------------------------------------ what was asked and was empty


def test_an_exchange_that_was_asked_and_had_nothing_counts_as_covered(lake):
    store = fill_lake(
        lake,
        [make_liquidation(T0)],
        {
            ("gate", "SOLUSDT", "gate"): [(T0, T0 + 12 * HOUR, "complete")],
            ("okx", "SOLUSDT", "okx"): [(T0, T0 + DAY, "complete")],
        },
    )
    selection, _summary = select(store)
    assert [(c.exchange, c.share, c.sources) for c in selection.coverage] == [
        ("gate", 0.5, ("gate",)),
        ("okx", 1.0, ("okx",)),
    ]
    assert select(store, exchanges=("gate",))[0].coverage[0].share == 0.5


def test_a_full_source_that_knows_of_nothing_outweighs_a_sampled_one(lake):
    store = fill_lake(
        lake,
        [
            make_liquidation(T0 - DAY, notional=1.0),
            make_liquidation(T0 + HOUR, notional=2.0, source="tardis", completeness="sampled"),
        ],
        {("gate", "SOLUSDT", "gate"): [(T0 - DAY, T0 + DAY, "complete")]},
    )
    assert "(coverage 100%)" in message(store)


@pytest.mark.parametrize("change", [{"position": "buy"}, {"price_kind": "mid"}, {"completeness": "some"}])
def test_unknown_value_is_rejected_not_counted(lake, change):
    store = fill_lake(lake, [make_liquidation(T0), make_liquidation(T0 + HOUR, **change)])
    assert message(store, kind=DamagedError).startswith("1 invalid row in ")


@pytest.mark.parametrize(
    ("column", "wrong"), pairs(["notional", "price", "qty"], [None, float("nan"), float("inf"), -5.0, 0.0])
)
def test_invalid_number_is_rejected_not_dropped(lake, column, wrong):
    """Another program wrote it: the row must not vanish, count as 0, or be taken from the sum."""
    store = fill_lake(lake, [make_liquidation(T0 + k) for k in range(50)])
    path = store.partitions()[0].path(store.root)
    table = pq.read_table(path)
    values = [*table[column].to_pylist()[:49], wrong]
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, pa.array(values, pa.float64())), path)
    assert message(store, kind=DamagedError).startswith("1 invalid row in ")
    assert build_status(store)[1] == ([path] if column == "notional" else [])


def test_missing_position_is_not_short(lake):
    store = fill_lake(lake, [make_liquidation(T0), make_liquidation(T0 + 1)])
    path = store.partitions()[0].path(store.root)
    table = pq.read_table(path)
    sides = pa.array(["long", None], table.schema.field("position").type)
    pq.write_table(table.set_column(table.schema.get_field_index("position"), "position", sides), path)
    assert message(store, kind=DamagedError).startswith("1 invalid row in ")


def test_only_possible_fetches_are_suggested(lake):
    """No source has Hyperliquid; another quote of the base is named."""
    store = fill_lake(lake, [make_liquidation(exchange="hyperliquid", symbol="BTCUSDC")])
    text = message(store, "BTCUSDT", exchanges=("hyperliquid",))
    assert "BTCUSDC on hyperliquid is in the lake; liqcli fetch has no source for hyperliquid" in text
    assert "liqcli fetch --symbol" not in text


def test_a_symbol_of_other_exchanges_is_found_there(lake):
    rows = [make_liquidation(exchange=name, symbol="BTCUSDT") for name in ("okx", "gate")]
    store = fill_lake(lake, [*rows, make_liquidation(exchange="bybit", symbol="1000BONKUSDT")])
    for name in ("BTCUSDT", "BTC"):
        assert message(store, name, exchanges=("bybit",)) == (
            f"no liquidations of {name} on bybit in the lake {store.root} (it holds {name} on gate, okx); "
            f"to fetch it: liqcli fetch --symbol {name} --exchange bybit"
        )


def test_contracts_on_a_thousand_coins_are_suggested(lake):
    names = ("1000PEPEUSDT", "1000FLOKIUSDT", "PEOPLEUSDT")
    store = fill_lake(lake, [make_liquidation(exchange="binance", symbol=name) for name in names])
    assert "; 1000PEPEUSDT on binance is in the lake; to fetch it:" in message(store, "PEPE")
    assert message(store, "FLOKI", UsageError) == "unknown symbol 'FLOKI'; did you mean 1000FLOKIUSDT?"
