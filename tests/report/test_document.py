"""One report of six events, worked out by hand, in all its forms."""

from __future__ import annotations

import json
import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_figure, make_liquidation

from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.price_bins import parse_bin
from liqcli.core.version import __version__
from liqcli.lake.selection import Query
from liqcli.report import heatmap_figure
from liqcli.report.document import build_document
from liqcli.report.html_markdown import render_html, render_json, render_markdown
from liqcli.report.results import ViewOptions, compute_results

DAY_ONE = Query("SOL", since="2026-03-01T00:00Z", until="2026-03-02T00:00Z")
OPTIONS = GridOptions(bucket_us=30 * MINUTE, bin=parse_bin("0.5"))

# Gate tells every fill: 1000 + 200.98 + 520 = 1720.98. OKX a sample, at bankruptcy prices: 398 + 2200 + 104.5 = 2702.5.
OKX = {"exchange": "okx", "source": "okx", "instrument": "SOL-USDT-SWAP", "completeness": "sampled",
       "price_kind": "bankruptcy"}  # fmt: skip
SIX = [
    make_liquidation(T0, price=100.0, qty=10.0),
    make_liquidation(T0 + 5 * MINUTE - 1, price=100.49, qty=2.0, notional=200.98),
    make_liquidation(T0 + 6 * HOUR, price=104.0, qty=5.0, position="short"),
    make_liquidation(T0 + 6 * HOUR + 1, price=99.5, qty=4.0, **OKX),
    make_liquidation(T0 + 12 * HOUR + 30 * MINUTE, price=110.0, qty=20.0, position="short", **OKX),
    make_liquidation(T0 + DAY - 1_000_000, price=104.5, qty=1.0, position="short", **OKX),
]
# Gate asked but for 02:00 to 08:00, one answer cut; OKX's recorder ran 06:00 to 24:00: nobody listened 02:00 to 06:00.
MEMORIES = {
    ("gate", "SOLUSDT", "gate"): [
        (T0, T0 + 2 * HOUR, "complete"),
        (T0 + 8 * HOUR, T0 + 23 * HOUR, "complete"),
        (T0 + 23 * HOUR, T0 + 24 * HOUR, "cut"),
    ],
    ("okx", "SOLUSDT", "okx"): [(T0 + 6 * HOUR, T0 + DAY, "inferred")],
}


def themes(alt="a picture"):
    """The figures of an HTML page."""
    return {"heatmap": [make_figure("dark", alt), make_figure("light", alt)]}


def beside(alt="a picture", file="r.png"):
    """The figures of a Markdown page."""
    return {"heatmap": make_figure(alt=alt, file=file)}


@pytest.fixture
def store(lake):
    return fill_lake(lake, SIX, MEMORIES)


def report_of(store, query=DAY_ONE, options=OPTIONS, view=None):
    return build_document(compute_results(store, query, options, view or ViewOptions()))


@pytest.fixture
def report(store):
    return report_of(store)


def test_meta_by_hand(report):
    meta = report["meta"]
    share = (18 / 24 + 18 / 24) / 2  # each exchange listened for 18 hours
    expected = {
        "symbol": "SOLUSDT",
        "start": "2026-03-01T00:00:00Z",
        "end": "2026-03-02T00:00:00Z",
        "exchanges": ["gate", "okx"],
        "sources": ["gate", "okx"],
        "kind": "realized",
        "events": 6,
        "notional": 4423.48,
        "long_notional": 1598.98,
        "short_notional": 2824.5,
        "long_events": 3,
        "short_events": 3,
        "largest": 2200,
        "first_event": "2026-03-01T00:00:00Z",
        "last_event": "2026-03-01T23:59:59Z",
        "last_price": 104.5,
        "last_price_basis": "bankruptcy price of the last liquidation",
        "last_price_kind": "bankruptcy",
        "last_price_at": "2026-03-01T23:59:59Z",
        "price_line": None,
        "candles_stand_in": None,
        "bucket_s": 1800,
        "bin_width": 0.5,
        "position": "both",
        "min_usd": 0,
        "busiest_start": "2026-03-01T12:30:00Z",
        "busiest_notional": 2200,
        "outside_notional": 0,
        "outside_events": 0,
        "completeness": "mixed",
        "price_kinds": ["bankruptcy", "fill"],
        "coverage": share,
        "sample": False,
        "version": __version__,
    }
    assert {key: meta[key] for key in expected} == expected  # fields may be added, never renamed


def test_grid_by_hand(report):
    grid = report["grid"]
    assert grid["bucket_start"][:2] + grid["bucket_start"][-1:] == [
        "2026-03-01T00:00:00Z", "2026-03-01T00:30:00Z", "2026-03-01T23:30:00Z",
    ]  # fmt: skip
    assert len(grid["bucket_start"]) == 48
    assert grid["price_edges"] == [99.5 + 0.5 * k for k in range(23)]
    cells = {(row, column): v for row, line in enumerate(grid["notional"]) for column, v in enumerate(line) if v}
    assert cells == {(0, 12): 398, (1, 0): 1200.98, (9, 12): 520, (10, 47): 104.5, (21, 25): 2200}
    assert [len(line) for line in grid["notional"]] == [48] * 22


def test_bands_and_exchanges_by_hand(report):
    assert [(b["rank"], b["low"], b["high"], b["notional"], b["events"]) for b in report["bands"]] == [
        (1, 110, 110.5, 2200, 1),
        (2, 100, 100.5, 1200.98, 2),
        (3, 104, 104.5, 520, 1),
        (4, 99.5, 100, 398, 1),
        (5, 104.5, 105, 104.5, 1),
    ]
    assert report["bands"][0]["share"] == pytest.approx(2200 / 4423.48)
    assert report["bands"][0]["distance_pct"] == pytest.approx(100 * (110.25 - 104.5) / 104.5)
    keys = ("exchange", "notional", "events", "completeness", "coverage")
    assert [tuple(e[key] for key in keys) for e in report["exchanges"]] == [
        ("okx", 2702.5, 3, "sampled", 0.75),
        ("gate", 1720.98, 3, "full", 0.75),
    ]  # fmt: skip
    assert sum(e["share"] for e in report["exchanges"]) == pytest.approx(1)


def test_coverage_by_hand(report):
    coverage = report["coverage"]
    gap = {"start": "2026-03-01T02:00:00Z", "end": "2026-03-01T06:00:00Z", "seconds": 14400}
    assert coverage["gaps"] == [{**gap, "price_from": None, "price_furthest": None, "move_pct": None}]  # no candles
    assert coverage["inferred"] is True
    gate, okx = coverage["by_exchange"]
    assert gate["gaps"] == [{"start": "2026-03-01T02:00:00Z", "end": "2026-03-01T08:00:00Z", "seconds": 21600}]
    assert gate["cut"] == [{"start": "2026-03-01T23:00:00Z", "end": "2026-03-02T00:00:00Z", "seconds": 3600}]
    assert (gate["inferred"], okx["inferred"], okx["cut"]) == (False, True, [])
    assert okx["gaps"] == [{"start": "2026-03-01T00:00:00Z", "end": "2026-03-01T06:00:00Z", "seconds": 21600}]
    assert (coverage["overlaps"], coverage["damaged"]) == ([], [])
    words = "Coverage is 75.0% (estimated from pauses in the file): the answers rest on the recorded part"
    whole = {**report, "coverage": {**coverage, "share": 0.9}}
    assert words in render_html(report, themes())
    assert words in render_markdown(report, beside())
    assert "the answers rest on" not in render_html(whole, themes()) + render_markdown(whole, beside())


def test_the_largest_event_is_named_and_few_orders_only_where_cascades_are_searched(report):
    assert report["largest_event"] == {
        "notional": 2200, "exchange": "okx", "position": "short", "price": 110, "price_kind": "bankruptcy",
        "time": "2026-03-01T12:30:00Z",
    }  # fmt: skip
    assert report["few_orders"] is None  # too little data for cascades
    assert report["zones"] == []


def test_rows_without_a_fetch_log_are_unknown_everywhere(lake):
    """Coverage is no share, nothing is hatched over the events, and the quiet minutes stay in the baseline."""
    findings = compute_results(fill_lake(lake, SIX), DAY_ONE, OPTIONS, ViewOptions())
    report = build_document(findings)
    day = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z", "seconds": 86400}
    coverage = report["coverage"]
    assert (report["meta"]["coverage"], coverage["share"], coverage["gaps"], coverage["unknown"]) == (
        None,
        None,
        [],
        [day],
    )
    assert [(e["coverage"], h) for e, h in zip(report["exchanges"], coverage["by_exchange"], strict=True)] == [
        (None, {**h, "share": None, "gaps": [], "unknown": [day]}) for h in coverage["by_exchange"]
    ]
    assert {row["coverage"] for row in report["hours"]["rows"]} == {None}
    assert not heatmap_figure.build_spec(findings).gaps
    last = heatmap_figure.build_spec(findings).headline[-1]
    assert (last.value, last.label) == ("unknown", "coverage")
    for page in (render_html(report, themes()), render_markdown(report, beside())):
        assert "coverage unknown" in page
        assert "not recorded:" not in page
        assert "unknown: 2026-03-01 00:00 to 2026-03-02 00:00 UTC" in page
    logged = compute_results(
        fill_lake(lake, [], {("gate", "SOLUSDT", "gate"): [(T0, T0 + DAY, "complete")]}),
        DAY_ONE,
        OPTIONS,
        ViewOptions(),
    )
    assert (findings.minutes.median, findings.minutes.hot) == (logged.minutes.median, logged.minutes.hot)


def test_json_html_and_markdown_say_the_same(report):
    text = render_json(report)
    assert json.loads(text) == report
    assert text.endswith("\n")
    html = render_html(report, themes("alt"))
    markdown = render_markdown(report, beside("alt"))
    said = ["4.42K", "1.60K", "2.82K", "2.20K", "104.5", "110.0 – 110.5", "100.0 – 100.5", "2.70K", "1.72K", "+5.50%",
            "50%", "75.0%", "2026-03-01 00:00 to 2026-03-02 00:00 UTC", report["content_hash"][:16],
            "not recorded: 2026-03-01 02:00 to 2026-03-01 06:00 UTC (4 h)",
            "okx SOLUSDT not recorded: 2026-03-01 00:00 to 2026-03-01 06:00 UTC (6 h)",
            "gate SOLUSDT: incomplete response 2026-03-01 23:00:00 to 2026-03-02 00:00:00 UTC",
            "estimated from pauses", "totals are minimums", "bankruptcy price"]  # fmt: skip
    for words in said:
        assert words in html, words
        assert words in markdown, words
    assert "4,423.48" in html


def test_hours_nobody_recorded_are_not_called_calm(report):
    """Nobody listened from 02:00 to 06:00; from 00:00 to 02:00 one of two did."""
    rows = report["hours"]["rows"]
    assert [(r["start"][11:13], r["notional"], r["coverage"]) for r in rows[:7:2]] == [
        ("00", 1200.98, 0.5), ("02", 0, 0), ("04", 0, 0), ("06", 918, 0.5),
    ]  # fmt: skip
    markdown = render_markdown(report, beside())
    assert "| 2026-03-01 00:00 | 1.20K | █████████ | 1.20K | 0 | 2 | 50.0% |" in markdown
    assert markdown.count("| – | not recorded | – | – | – | 0% |") == 4
    html = render_html(report, themes())
    assert html.count('<td>–</td><td class="text meter">not recorded</td>') == 4


def test_position_size_and_range_are_said(store):
    query = Query("SOL", DAY_ONE.lookback, DAY_ONE.since, DAY_ONE.until, position="short", min_usd=500.0)
    report = report_of(store, query, GridOptions(bucket_us=HOUR, bin=parse_bin("1"), price_low=103.0, price_high=105.0))
    meta = report["meta"]
    assert (meta["events"], meta["notional"], meta["long_notional"]) == (2, 2720, 0)
    assert (meta["outside_events"], meta["outside_notional"]) == (1, 2200)
    assert report["bands"][0]["share"] == 1  # of what is drawn
    for text in (render_html(report, themes("a")), render_markdown(report, beside("a"))):
        assert "short positions only" in text
        assert "events of at least 500 USD" in text
        assert "1 event, 2.20K USD" in text


def test_the_sample_banner_stands_there_for_the_sample_only(lake, report):
    sample = report_of(fill_lake(lake, [make_liquidation(T0 + 9, exchange="htx", source="sample")]), DAY_ONE)
    for render in (lambda r: render_html(r, themes("a")), lambda r: render_markdown(r, beside("a"))):
        assert "Synthetic sample data" in render(sample)
        assert "Synthetic sample data" not in render(report)
    assert sample["meta"]["sample"] is True


def test_same_lake_same_report(store):
    assert render_json(report_of(store)) == render_json(report_of(store))


def test_the_hash_follows_the_content_and_not_the_colours(store, report):
    assert report_of(store, view=ViewOptions(theme="light"))["content_hash"] == report["content_hash"]
    fill_lake(store.root, [make_liquidation(T0 + 77, notional=0.000001)])
    changed = report_of(store)
    assert changed["meta"]["events"] == 7
    assert changed["content_hash"] != report["content_hash"]


# ------------------------------------------------------------------ the command that re-makes it


def test_the_command_pins_what_moves(store, report):
    assert report["command"] == (
        "liqcli heatmap --symbol SOLUSDT --since 2026-03-01T00:00:00Z --until 2026-03-02T00:00:00Z "
        "--bucket 1800s --bin 0.5 -o report.html"
    )
    latest = report_of(store, Query("sol-usdt-swap", "4h", until="latest"), GridOptions(bins=100))
    # The bin is the tick of the prices, 0.1: a hundredth of their range would be finer.
    assert "--since 2026-03-01T20:00:00Z --until 2026-03-02T00:00:00Z --bucket 600s --bin 0.1 " in latest["command"]


@pytest.mark.parametrize(
    ("query", "options", "view"),
    [
        (DAY_ONE, OPTIONS, ViewOptions()),
        (
            Query("SOL/USDT:USDT", "18h", until="latest"),
            GridOptions(),
            ViewOptions("count", "viridis", "linear", "light"),
        ),
        (
            Query("sol", "24h", None, "2026-03-01T23:59:59.000001Z", ("okx", "gate"), "short", 104.5),
            GridOptions(bins=120, price_low=103.9, price_high=110.00000001),
            ViewOptions("qty", "magma", "percentile"),
        ),
    ],
)
def test_the_command_makes_the_same_numbers(store, run_cli, tmp_path, query, options, view):
    report = report_of(store, query, options, view)
    words = shlex.split(report["command"])
    assert words[0] == "liqcli"
    assert words[-2:] == ["-o", "report.html"]
    run_cli(*words[1:-1], "again.json", check=0)
    again = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))
    assert again["command"] == report["command"]
    assert again == report


# ------------------------------------------------------------------ what a foreign hand may have put into a file

HOSTILE = "\"><img src=x onerror=alert(1)><script>alert('1')</script>|`$x`\n# h [l](http://e.vil)"


def test_a_hostile_source_in_a_file_acts_nowhere(store):
    path = next(p.path(store.root) for p in store.partitions() if p.exchange == "okx")
    with path.open("rb") as handle:
        table = pq.read_table(handle)
    place = table.schema.get_field_index("source")
    pq.write_table(table.set_column(place, "source", pa.array([HOSTILE] * len(table), pa.string())), path)
    report = report_of(store)
    assert HOSTILE in report["meta"]["sources"]
    html = render_html(report, themes(HOSTILE))
    assert "<script" not in html
    assert "<img src=x" not in html
    assert html.count("<img") == 1
    markdown = render_markdown(report, beside(HOSTILE))
    line = next(line for line in markdown.splitlines() if line.startswith("- **Sources**"))
    assert "\\<script\\>" in line
    assert "\\|\\`\\$x\\` \\# h \\[l\\]" in line  # on one line, and nothing of it acts


def test_damaged_files_are_named(store):
    path = next(p.path(store.root) for p in store.partitions() if p.exchange == "okx")
    path.write_bytes(b"no")
    report = report_of(store)
    assert report["coverage"]["damaged"] == [path.relative_to(store.root).as_posix()]
    assert "liquidations/exchange=okx/symbol=SOLUSDT/month=2026-03/okx.parquet" in render_html(report, themes("a"))
    assert "okx.parquet" in render_markdown(report, beside("a"))
