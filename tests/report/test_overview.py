"""The whole market: each symbol with the numbers of its own report, changes only where both periods are recorded."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_liquidation

from liqcli.analysis.heatmap import GridOptions
from liqcli.core.errors import DamagedError, EmptyWindowError
from liqcli.core.formatting import format_change
from liqcli.lake.merge import rows_to_table
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.report.overview_document import build_overview_document
from liqcli.report.overview_files import write_overview
from liqcli.report.overview_results import compute_overview
from liqcli.report.results import ViewOptions, compute_results

pytestmark = pytest.mark.usefixtures("empty_pictures")

DAY_2 = Query("", since="2026-03-02T00:00Z", until="2026-03-03T00:00Z")
T1 = T0 + DAY  # the start of the window
TABLE, GRID = re.compile(r'<table class="([^"]*)"'), re.compile(r"^\.(\w+) \{ display: grid", re.MULTILINE)
BOTH_DAYS = [(T0, T0 + 2 * DAY, "complete")]


def market(lake: Lake, query: Query = DAY_2):
    return compute_overview(lake, query, ViewOptions())


def by_symbol(results):
    return {symbol.symbol: symbol for symbol in results.overview.symbols}


def own_report(lake: Lake, symbol: str, query: Query = DAY_2):
    return compute_results(lake, replace(query, symbol=symbol), GridOptions(), ViewOptions())


@pytest.fixture
def three(lake):
    """SOL 100 + 50 on gate and 30 on okx, ETH 400 short, and XRP with nothing on the second day."""
    rows = [
        make_liquidation(T1 + MINUTE, price=100.0),
        make_liquidation(T1 + HOUR, price=50.0, position="short"),
        make_liquidation(T1 + HOUR, price=30.0, exchange="okx", source="okx"),
        make_liquidation(T0 + HOUR, price=90.0),
        make_liquidation(T1 + 2, price=400.0, symbol="ETHUSDT", position="short"),
        make_liquidation(T0 + 2, price=7.0, symbol="XRPUSDT"),
    ]
    memories = {
        ("gate", "SOLUSDT", "gate"): BOTH_DAYS,
        ("okx", "SOLUSDT", "okx"): [(T1, T1 + DAY, "complete")],
        ("gate", "ETHUSDT", "gate"): BOTH_DAYS,
        ("gate", "XRPUSDT", "gate"): BOTH_DAYS,
        ("gate", "ADAUSDT", "gate"): BOTH_DAYS,
    }
    return fill_lake(lake, rows, memories)


def test_symbols_are_ranked_by_usd_and_quiet_ones_come_last(three):
    overview = market(three).overview
    assert [(s.rank, s.symbol, s.notional) for s in overview.symbols] == [
        (1, "ETHUSDT", 400.0),
        (2, "SOLUSDT", 180.0),
        (3, "ADAUSDT", 0.0),
        (4, "XRPUSDT", 0.0),
    ]
    sol = overview.symbols[1]
    assert (sol.summary.sums.long_notional, sol.summary.sums.short_notional) == (130.0, 50.0)
    assert sol.share == 180 / 580
    assert sol.exchanges == ("gate", "okx")
    assert [symbol.coverage for symbol in overview.symbols] == [1.0, 1.0, 1.0, 1.0]
    assert overview.summary.sums.notional == 580.0
    assert (sol.largest.notional, sol.largest.exchange, sol.largest.position, sol.largest.ts_us) == (
        100.0,
        "gate",
        "long",
        T1 + MINUTE,
    )


def test_changes_are_known_only_where_both_periods_are_recorded_alike(three):
    found = by_symbol(market(three))
    assert found["SOLUSDT"].change.ratio is None
    assert found["SOLUSDT"].change.unknown == "okx recorded only now"
    eth, xrp = found["ETHUSDT"].change, found["XRPUSDT"].change
    assert (eth.previous, eth.ratio, eth.unknown) == (0.0, None, None)  # recorded, and nothing happened
    assert (xrp.previous, xrp.ratio) == (7.0, -1.0)
    only_gate = by_symbol(market(three, replace(DAY_2, exchanges=("gate",))))
    assert only_gate["SOLUSDT"].change.ratio == pytest.approx(150 / 90 - 1)
    comparable = market(three).overview.comparable
    assert (comparable.symbols, comparable.all_symbols, comparable.notional, comparable.previous) == (3, 4, 400.0, 7.0)


@pytest.mark.parametrize(
    ("memories", "reason"),
    [
        ([(T1, T1 + DAY, "complete")], "the period before is not recorded"),
        ([(T0 + DAY // 2, T1 + DAY, "complete")], "only 50.0% of the period before recorded"),
        ([(T0, T1 + DAY // 2, "complete")], "only 50.0% of this period recorded"),
        (
            [(T0, T1, "unknown"), (T1, T1 + DAY, "complete")],
            "it is not known how much of the period before is recorded",
        ),
        ([(T0, T1 + DAY - DAY // 100, "complete")], None),  # 99% is enough
    ],
)
def test_a_period_without_coverage_gives_no_change(lake, memories, reason):
    rows = [make_liquidation(T1 + 1)]
    found = by_symbol(market(fill_lake(lake, rows, {("gate", "SOLUSDT", "gate"): memories})))
    assert found["SOLUSDT"].change.unknown == reason


def test_a_sample_is_not_compared_with_a_complete_feed(lake):
    rows = [make_liquidation(T0 + 1, completeness="sampled", source="old"), make_liquidation(T1 + 1)]
    memories = {
        ("gate", "SOLUSDT", "old"): [(T0, T1, "complete")],
        ("gate", "SOLUSDT", "gate"): [(T1, T1 + DAY, "complete")],
    }
    found = by_symbol(market(fill_lake(lake, rows, memories)))
    assert found["SOLUSDT"].change.unknown == "a complete feed in one period, a sampled one in the other"


def test_two_sources_of_the_same_time_are_counted_once(lake):
    """The complete source counts, the sampled one fills the hour that it leaves, as in the report."""
    rows = [
        make_liquidation(T1 + HOUR, price=10.0),
        make_liquidation(T1 + HOUR, price=10.0, completeness="sampled", source="stream"),
        make_liquidation(T1 + 20 * HOUR, price=5.0, completeness="sampled", source="stream"),
        make_liquidation(T1 + HOUR, price=2.0, symbol="ETHUSDT"),
    ]
    memories = {
        ("gate", "SOLUSDT", "gate"): [(T1, T1 + 19 * HOUR, "complete")],
        ("gate", "SOLUSDT", "stream"): [(T1, T1 + DAY, "complete")],
    }
    results = market(fill_lake(lake, rows, memories))
    assert by_symbol(results)["SOLUSDT"].notional == 15.0
    assert [text.partition(":")[0] for text in build_overview_document(results)["coverage"]["overlaps"]] == [
        "gate SOLUSDT"
    ]
    own = own_report(Lake(lake), "SOLUSDT")
    assert own.summary.sums.notional == 15.0


@pytest.mark.parametrize(
    ("ratio", "previous", "text"),
    [
        (0.352, 10.0, "+35%"),
        (-1.0, 10.0, "-100%"),
        (0.001, 10.0, "±0%"),
        (-0.004, 10.0, "±0%"),
        (11.0, 10.0, "× 12"),
        (None, 0.0, "new"),
        (None, None, "unknown"),
    ],
)
def test_format_change(ratio, previous, text):
    assert format_change(ratio, previous) == text


def burst(start_us: int, symbol: str, count: int = 30, price: float = 1000.0, **changes):
    """One order a second."""
    return [make_liquidation(start_us + k * 1_000_000, price=price, symbol=symbol, **changes) for k in range(count)]


def test_cascades_of_the_market_and_of_each_symbol(lake):
    """Two symbols in minute 100 are one cascade of the market; SOL has another one in minute 700."""
    rows = [
        *burst(T1 + 100 * MINUTE, "SOLUSDT"),
        *burst(T1 + 100 * MINUTE, "ETHUSDT", price=2000.0, position="short"),
        *burst(T1 + 700 * MINUTE, "SOLUSDT"),
    ]
    results = market(fill_lake(lake, rows))
    first, second = results.overview.cascades.bursts
    assert (first.start_us, first.end_us) == (T1 + 100 * MINUTE, T1 + 101 * MINUTE)
    assert (first.notional, first.position, first.position_share, first.symbols) == (90_000.0, "short", 2 / 3, 2)
    assert first.leaders == (("ETHUSDT", 2 / 3), ("SOLUSDT", 1 / 3))
    assert (second.notional, second.leaders) == (30_000.0, (("SOLUSDT", 1.0),))
    for symbol in results.overview.symbols:
        own = own_report(Lake(lake), symbol.symbol).cascades
        assert [(b.notional, b.events) for b in symbol.cascades.bursts] == [(c.notional, c.events) for c in own]
    assert [len(s.cascades.bursts) for s in results.overview.symbols] == [1, 2]  # 60,000 USD each: by name


def test_every_number_of_the_sample_is_that_of_the_reports(sample):
    lake, query = Lake(sample), Query("", lookback="24h", until="latest")
    results = compute_overview(lake, query, ViewOptions())
    window = results.selection.window
    fixed = Query("", since=window.start.isoformat(), until=window.end.isoformat())
    total = 0.0
    for symbol in results.overview.liquidated:
        own = own_report(lake, symbol.symbol, fixed)
        assert symbol.summary == own.summary
        assert symbol.largest.notional == own.summary.sums.largest
        assert [(b.notional, b.events) for b in symbol.cascades.bursts] == [
            (c.notional, c.events) for c in own.cascades
        ]
        total += own.summary.sums.notional
    assert len(results.overview.liquidated) > 1
    assert results.overview.summary.sums.notional == pytest.approx(total, abs=1e-6)
    assert sum(row.notional for row in results.overview.hours.rows) == pytest.approx(total, abs=1e-6)


def test_an_empty_lake_and_an_empty_window_say_what_to_do(lake):
    with pytest.raises(EmptyWindowError, match="it is empty; start with: liqcli fetch"):
        market(Lake(lake))
    filled = fill_lake(lake, [make_liquidation(T0)])
    with pytest.raises(EmptyWindowError, match=r"the lake holds 1 event from 2026-03-01 00:00 .*--until latest"):
        market(filled, Query("", since="2026-03-05T00:00Z", until="2026-03-06T00:00Z"))
    with pytest.raises(EmptyWindowError, match=r"no liquidations of okx in the lake .* \(it holds gate\)"):
        market(filled, replace(DAY_2, exchanges=("okx",)))


def test_a_damaged_file_is_named_and_left_out(three):
    path = three.root / "liquidations/exchange=okx/symbol=SOLUSDT/month=2026-03/okx.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    results = market(three)
    assert results.damaged == (path,)
    assert results.overview.summary.sums.notional == 550.0
    document = build_overview_document(results)
    assert document["coverage"]["damaged"] == [path.relative_to(three.root).as_posix()]


def test_a_lake_of_damaged_files_alone(lake):
    filled = fill_lake(lake, [make_liquidation(T1)])
    for path in lake.rglob("*.parquet"):
        path.write_bytes(b"nothing")
    with pytest.raises(DamagedError, match="nothing readable"):
        market(filled)


@pytest.mark.parametrize("day", [0, 1], ids=["the window before", "the window"])
def test_a_symbol_with_an_invalid_row_is_left_out_and_the_row_is_named(three, run_cli, day):
    """The third row of ETH has no price: ETH is left out, the 180 USD of SOL stay."""
    (path,) = three.root.glob("liquidations/exchange=gate/symbol=ETHUSDT/*/gate.parquet")
    at = [T0 + 1, T1 + 2, T0 + day * DAY + 3]
    rows = [make_liquidation(ts, symbol="ETHUSDT", price=400.0) for ts in at]
    wrong = [row._replace(price=float("nan")) if row.ts_us == at[2] else row for row in rows]
    pq.write_table(rows_to_table(sorted(wrong)), path)
    results = market(three)
    assert "ETHUSDT" not in by_symbol(results)
    assert results.overview.summary.sums.notional == 180.0
    reason = f"price is not a positive finite number (1 of 3 rows, the first is row {2 + day})"
    kept = build_overview_document(results)["coverage"]["left_out"]
    assert kept == [{"symbol": "ETHUSDT", "file": str(path.relative_to(three.root)), "reason": reason}]
    done = run_cli("overview", "--since", DAY_2.since, "--until", DAY_2.until, "-o", "m.json", "-o", "m.md", check=6)
    assert f"ETHUSDT left out: {path}: {reason}; to repair it: liqcli verify" in done.stderr


def read_page(folder: Path, results, links=None, back="") -> str:
    report = build_overview_document(results)
    write_overview(results, [folder / "market.html"], report, links or {}, back)
    return (folder / "market.html").read_text(encoding="utf-8")


def test_the_page_has_no_script_and_sends_no_request(three, tmp_path):
    page = read_page(tmp_path, market(three), {"ETHUSDT": "ETHUSDT-24h.html"}, "index.html")
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.findall(r'(?:src|href|srcset)="(?!data:|#|ETHUSDT-24h\.html|index\.html)', page)
    assert '<a href="ETHUSDT-24h.html">ETHUSDT</a>' in page
    assert '<a href="index.html">← day</a>' in page
    assert "Change from the previous 24h: × 57, counting the 3 of 4 symbols" in page
    assert "okx recorded only now" in page
    assert "2 symbols without liquidations" in page


def test_hostile_texts_are_escaped(lake, tmp_path):
    """The source is a column that another program may have written."""
    file = lake / "liquidations/exchange=gate/symbol=SOLUSDT/month=2026-03/foreign.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(rows_to_table([make_liquidation(T1 + 1, source="<b>x</b>")]), file)
    page = read_page(tmp_path, market(Lake(lake)), {"SOLUSDT": '"><b>link</b>'})
    assert "<b>x</b>" not in page
    assert "<b>link</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


@pytest.mark.slow
@pytest.mark.drawn
def test_the_same_lake_gives_the_same_files(three, tmp_path):
    names = ["m.html", "m.md", "m.json", "m.csv", "m.png"]
    contents = []
    for run in ("one", "two"):
        results = compute_overview(three, DAY_2, ViewOptions(theme="dark"))
        folder = tmp_path / run
        folder.mkdir()
        write_overview(results, [folder / name for name in names], build_overview_document(results), {})
        contents.append([(folder / name).read_bytes() for name in names])
    assert contents[0] == contents[1]


def test_csv_and_json_hold_every_symbol(three, tmp_path):
    results = market(three)
    write_overview(results, [tmp_path / "m.json", tmp_path / "m.csv"], build_overview_document(results), {})
    document = json.loads((tmp_path / "m.json").read_text())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "m.csv").read_text())))
    assert [row["symbol"] for row in rows] == [row["symbol"] for row in document["symbols"]]
    assert (rows[0]["notional"], rows[0]["change"], rows[0]["previous_notional"]) == ("400.0", "", "0.0")
    assert (rows[1]["change"], rows[1]["previous_notional"]) == ("", "")
    assert (rows[3]["change"], rows[3]["largest_notional"]) == ("-1.0", "")
    assert {"symbol", "notional", "long_notional", "short_notional", "events", "share", "largest", "cascades",
            "coverage", "change"} <= set(document["symbols"][0])  # fmt: skip
    assert {"meta", "symbols", "exchanges", "hours"} <= set(document)
    assert document["command"].startswith("liqcli overview --since 2026-03-02T00:00:00Z --until 2026-03-03T00:00:00Z")


def test_the_command_line(three, run_cli, tmp_path):
    span = ("--since", "2026-03-02T00:00Z", "--until", "2026-03-03T00:00Z")
    done = run_cli("overview", *span, check=0)
    assert done.stderr == "wrote market-2026-03-02-0000-24h.html\n"
    assert (tmp_path / "market-2026-03-02-0000-24h.html").is_file()
    text = run_cli("overview", *span, "-o", "-", "--format", "csv", check=0).stdout
    assert text.splitlines()[1].startswith("1,ETHUSDT,400.0,0.0,400.0,")
    assert run_cli("overview", *span, "-o", "-", "--position", "long", check=0).stdout.count('"rank":1,') == 1
    wrong = run_cli("overview", *span, "-o", "m.parquet", check=2)
    assert "possible endings: .html, .md, .png, .json, .csv" in wrong.stderr
    run_cli("overview", "--exchange", "okx", "--lookback", "1h", check=4)


def test_no_table_has_a_class_that_is_laid_out_as_a_grid():
    """A grid puts the head of a table beside its body; a class of a list had the name of one of a table."""
    folder = Path(__file__).parents[2] / "templates"
    tables = {name for page in folder.rglob("*.html") for name in " ".join(TABLE.findall(page.read_text())).split()}
    grids = {name for style in folder.glob("*.css") for name in GRID.findall(style.read_text())}
    assert {"ranking", "tight"} <= tables
    assert {"numbers", "market"} <= grids
    assert not tables & grids
