"""The pictures of a window: complete, small, exact, the same on any number of threads, and those of the documents."""

from __future__ import annotations

import importlib.util
import io
import re
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from factories import HOUR, MINUTE, T0, fill_lake, make_liquidation
from PIL import Image

from liqcli.analysis.heatmap import GridOptions
from liqcli.core.market_data import OpenInterestSeries
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.report import cascade_figure, cumulative_figure, heatmap_figure, open_interest_figure
from liqcli.report.document import build_document
from liqcli.report.figures import FIGURES, PORTRAIT, WindowFigures, draw_figure
from liqcli.report.html_markdown import render_html, render_markdown
from liqcli.report.results import ViewOptions, compute_results
from liqcli.report.shared_captions import list_price_kinds

ROOT = Path(__file__).resolve().parents[2]
DARK = ViewOptions(theme="dark")


@pytest.fixture(scope="module")
def lake(sample):
    return Lake(sample)


def find(lake, **changes):
    query = {"symbol": "BTCUSDT", "lookback": "24h", "until": "2026-01-08"} | changes
    return compute_results(lake, Query(**query), GridOptions(), DARK)


@pytest.fixture(scope="module")
def findings(lake):
    return find(lake)


def with_interest(findings, series):
    """The same window with other open interest."""
    market = replace(findings.data.market, open_interest=series)
    return replace(findings, data=replace(findings.data, market=market))


def test_every_module_of_a_figure_draws_and_has_a_hover_map():
    for name, spec in FIGURES.items():
        module = spec.load()
        assert callable(module.draw), name
        assert callable(module.build_hover_map), name


@pytest.fixture(scope="module")
def shown(findings):
    """The pictures of a page."""
    return WindowFigures(findings).on_page()


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_pictures_of_the_sample(shown, name):
    (poster,) = shown[name]
    assert Image.open(io.BytesIO(poster.png)).size == (poster.width, poster.height)
    assert len(poster.png) < 400_000
    assert "BTCUSDT" in poster.alt
    assert re.search(r"\d+(\.\d+)?[KMB] USD", poster.alt)
    assert {"panel"} < {region.kind for region in poster.regions}


@pytest.mark.slow
def test_one_thread_and_two_draw_the_same_bytes(lake, monkeypatch):
    drawn = []
    for threads in ("1", "2"):
        monkeypatch.setenv("LIQCLI_THREADS", threads)
        findings = find(lake, lookback="6h")
        drawn.append([draw_figure(findings, name).png for name in ("heatmap", "cascades")])
    assert drawn[0] == drawn[1]


def test_sums_outward_are_those_of_the_grid(findings):
    picture, grid = cumulative_figure.build_spec(findings), findings.grid
    assert picture.below_long[-1] + picture.above_long[-1] == pytest.approx(grid.long_notional.sum(), rel=1e-12)
    assert picture.below_short[-1] + picture.above_short[-1] == pytest.approx(grid.short_notional.sum(), rel=1e-12)
    edges, step = grid.price_edges, 1 + picture.step_pct / 100
    assert picture.last_price * (1 - (len(picture.below_long) - 1) * (step - 1)) <= edges[-1]


def test_minutes_add_up_to_the_window(findings):
    picture = cascade_figure.build_spec(findings)
    assert picture.long.sum() + picture.short.sum() == pytest.approx(findings.summary.sums.notional, rel=1e-12)
    assert [burst.rank for burst in picture.bursts] == [c.rank for c in findings.cascades]


def test_open_interest_begins_before_the_window_as_the_context_has_it(findings):
    worth = open_interest_figure.build_line(findings)
    start, end = findings.selection.window.start_us, findings.selection.window.end_us
    assert start - HOUR <= worth.ts_us[0] <= start
    assert worth.ts_us[-1] <= end
    contracts = open_interest_figure.build_spec(findings).contracts
    change = 100 * (contracts.ends[1] / contracts.ends[0] - 1)
    assert change == pytest.approx(findings.context.open_interest.change_pct)
    assert contracts.ends[0] == worth.ends[0]


def test_open_interest_without_a_price_is_a_line_of_coins_and_no_picture(findings):
    series = findings.open_interest
    coins = with_interest(findings, replace(series, usd=np.full(len(series.usd), np.nan)))
    assert open_interest_figure.build_line(coins).unit == "BTC"
    assert open_interest_figure.build_spec(coins) is None


def test_a_single_snapshot_is_no_line(findings):
    window = findings.selection.window
    one = np.array([window.start_us]), np.array([5.0]), np.array([7.0])
    assert open_interest_figure.build_line(with_interest(findings, OpenInterestSeries(*one, "binance BTCUSDT"))) is None
    assert draw_figure(with_interest(findings, None), "open_interest") is None


def test_contracts_that_begin_within_the_window_have_no_change_in_percent(findings):
    """A new listing: none are open at the first snapshot, 5 at the second."""
    start = findings.selection.window.start_us
    series = OpenInterestSeries(
        np.array([start, start + HOUR]), np.array([0.0, 5.0]), np.array([0.0, 7.0]), "gate NEWUSDT"
    )
    new = with_interest(findings, series)
    picture = open_interest_figure.build_spec(new)
    assert picture.headline[0].value == "7.00 USD"
    assert not any(number.label == "contracts" for number in picture.headline)
    assert "from 0 to 7.00 USD, while" in draw_figure(new, "open_interest").alt


def test_only_like_is_compared_with_like(findings):
    """The sample's open interest is Binance's: its share is of what Binance liquidated, not of all exchanges."""
    labels = {number.label: number.value for number in open_interest_figure.build_spec(findings).headline}
    binance = next(e for e in findings.summary.exchanges if e.exchange == "binance").sums.notional
    share = 100 * binance / open_interest_figure.build_line(findings).ends[0]
    assert 0 < share < 0.1
    assert labels["of binance open interest liquidated"] == "<0.1%"
    elsewhere = replace(findings.open_interest, basis="kraken BTCUSD")
    others = open_interest_figure.build_spec(with_interest(findings, elsewhere)).headline
    assert not any("open interest liquidated" in number.label for number in others)


def test_pages_show_every_picture_with_its_marks(findings, shown):
    assert list(shown) == list(FIGURES)
    said = {name: [mark.title for mark in dark.marks] for name, (dark,) in shown.items()}
    assert len(said["cascades"]) == 2 * len(findings.cascades)
    assert said["cascades"][0].startswith("Cascade 1: 2026-01-07")
    assert said["open_interest"][0].startswith("2026-01-07 00:00 – 00:10 UTC\n")
    assert all("\nopen interest 8." in text or "\nopen interest 7." in text for text in said["open_interest"])
    sides = findings.cumulative.below, findings.cumulative.above
    assert len(said["cumulative"]) == sum(len(side.long_e6) - 1 for side in sides)


def test_the_portrait_picture_has_the_last_price_and_the_sums_in_its_headline(findings):
    figure = draw_figure(findings, PORTRAIT)
    assert (figure.width, figure.height) == (800, 1100)
    assert figure.alt == draw_figure(findings).alt
    said = {text.get_text() for text in figure.drawing.texts}
    assert {"BTCUSDT 24h", "91,206.8", "last price", "19.8M", "USD liquidated", "85%", "15%"} <= said


@pytest.mark.usefixtures("empty_pictures")
def test_marks_within_x_percent_worked_out_by_hand(tmp_path):
    rows = [
        make_liquidation(T0 + MINUTE, price=99.0),
        make_liquidation(T0 + 2 * MINUTE, price=101.0, qty=2.0, position="short"),
        make_liquidation(T0 + 3 * MINUTE, price=100.0, qty=0.5),
    ]
    query = Query("SOL", since="2026-03-01", until="2026-03-01T01:00Z")
    findings = compute_results(fill_lake(tmp_path / "lake", rows), query, GridOptions(), DARK)
    assert findings.last_price == 100.0  # no candles: the last liquidation's
    marks = dict(mark.title.split("\n") for mark in WindowFigures(findings).on_page()["cumulative"][0].marks)
    assert marks["within -1.00% (99)"] == "longs 99.0, shorts 0 USD"
    assert marks["within -0.99% (99.01)"] == "longs 0, shorts 0 USD"
    assert marks["within +1.00% (101)"] == "longs 50.0, shorts 0 USD"  # 101 itself lies 1% away, not within
    assert marks["within +1.01% (101.01)"] == "longs 50.0, shorts 202 USD"


@pytest.mark.usefixtures("empty_pictures")
def test_an_order_at_the_last_price_counts_as_at_or_above_everywhere(tmp_path):
    """99 x 1 = 99 USD lie below the last price of 100; the order that set it, 100 x 0.5 = 50 USD, at or above it."""
    rows = [make_liquidation(T0 + MINUTE, price=99.0), make_liquidation(T0 + 3 * MINUTE, price=100.0, qty=0.5)]
    query = Query("SOL", since="2026-03-01", until="2026-03-01T01:00Z")
    findings = compute_results(fill_lake(tmp_path / "lake", rows), query, GridOptions(), DARK)
    report, figures = build_document(findings), WindowFigures(findings)
    reach = report["cumulative"]["reach"][-1]
    assert (reach["below"], reach["above"]) == (99.0, 50.0)
    headline = [(number.value, number.label) for number in cumulative_figure.build_spec(findings).headline]
    assert headline[1:3] == [("99.0 USD", "liquidated below"), ("50.0 USD", "liquidated at or above")]
    assert "below it 99.0 USD" in draw_figure(findings, "cumulative").alt
    assert "at or above it 50.0 USD" in draw_figure(findings, "cumulative").alt
    for text in (
        render_html(report, figures.on_page()),
        render_markdown(report, figures.beside(tmp_path / "report.md")),
    ):
        assert "USD at or above" in text
        assert "USD above" not in text


@pytest.mark.slow
def test_the_pictures_of_the_documents_are_what_is_drawn_now(findings):
    pinned = re.search(r"^matplotlib==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)[1]
    if matplotlib.__version__ != pinned:
        pytest.skip(f"another matplotlib than the pinned {pinned} may move pixels")
    spec = importlib.util.spec_from_file_location("make_pictures", ROOT / "scripts/make_pictures.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for ending, variant in script.VARIANTS.items():
        path = script.FOLDER / f"{script.NAME}{ending}.png"
        drawn = script.draw(findings, variant)
        assert script.same_picture(path.read_bytes(), drawn), f"{path.name} is stale: make pictures, and look at them"


@pytest.mark.slow
def test_the_recorded_crash_is_cut_off_and_named(real_data, tmp_path):
    """On 2024-12-05 at 22:28 UTC BTC fell to 90,500 while nobody recorded; the heat begins at 94,700."""
    folder, lake = real_data / "binance-btcusdt-2024-12", Lake(tmp_path / "lake")
    import_files(lake, [folder / "forceorder.jsonl"], ImportOptions())
    candles = ImportOptions(format="generic", kind="candles", exchange="binance", symbol="BTCUSDT", source="spot")
    import_files(lake, [folder / "candles_binance_spot_BTCUSDT_1m.csv.gz"], candles)
    findings = compute_results(lake, Query("BTCUSDT", since="2024-12-04", until="2024-12-07"), GridOptions(), DARK)
    poster = draw_figure(findings)
    figure = poster.drawing
    assert "▼ 90,500" in [text.get_text() for text in figure.texts]
    heat = next(axes for axes in figure.axes if axes.get_label() == "heat")
    assert 94_000 < heat.get_ylim()[0] < findings.grid.price_edges[0]
    assert len(poster.png) < 400_000


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ({"gate": ("fill",)}, []),
        ({"bybit": ("bankruptcy",)}, ["bankruptcy prices (bybit)"]),
        ({"bybit": ("bankruptcy",), "okx": ("bankruptcy",)}, ["bankruptcy prices"]),
        (
            {"binance": ("fill", "order"), "bybit": ("bankruptcy",), "gate": ("fill",)},
            ["order prices (binance partly)", "bankruptcy prices (bybit)"],
        ),
    ],
)
def test_prices_that_are_no_fills_are_named(findings, kinds, said):
    some = findings.summary.exchanges[0]
    exchanges = [replace(some, exchange=name, price_kinds=of) for name, of in kinds.items()]
    assert list_price_kinds(exchanges) == said


def test_the_subtitle_names_price_kinds(findings):
    """In the sample bybit, htx and okx state bankruptcy prices, binance and gate fills."""
    assert re.search(r" · bankruptcy prices \([a-z, ]*bybit[a-z, ]*\)", heatmap_figure.build_spec(findings).subtitle)
