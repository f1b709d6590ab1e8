"""What the places of the picture say: every rectangle stands where the picture has its thing, and tells its numbers."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_liquidation

from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.price_bins import parse_bin
from liqcli.charts import Region
from liqcli.lake.selection import Query
from liqcli.report.document import build_document
from liqcli.report.figure import Figure
from liqcli.report.figures import WindowFigures
from liqcli.report.heatmap_figure import build_hover_map, find_hottest_cells
from liqcli.report.hover_map import build_highlights
from liqcli.report.html_markdown import render_html
from liqcli.report.results import ViewOptions, compute_results

pytestmark = pytest.mark.usefixtures("empty_pictures")

OPTIONS = GridOptions(bucket_us=30 * MINUTE, bin=parse_bin("0.5"))
# 24 orders of 1,000 within a minute make a cluster and a cascade at 100.2; two others lie apart.
BURST = [make_liquidation(T0 + 6 * HOUR + k * 2_000_000, price=100.2, qty=1000 / 100.2) for k in range(24)]
APART = [
    make_liquidation(T0, price=104.0, qty=25, position="short"),
    make_liquidation(T0 + DAY - 1, price=96.0, qty=12.5),
]
GAP = {("gate", "SOLUSDT", "gate"): [(T0, T0 + 2 * HOUR, "complete"), (T0 + 3 * HOUR, T0 + DAY, "complete")]}


@pytest.fixture
def findings(lake):
    store = fill_lake(lake, [*BURST, *APART], GAP)
    return compute_results(
        store, Query("SOL", since="2026-03-01", until="2026-03-02"), OPTIONS, ViewOptions(theme="dark")
    )


def poster_of(*regions):
    return Figure(np.zeros((500, 1000, 3), np.uint8), "alt", regions=regions)


PANELS = [Region("panel", 0, 0.0, 0.1, 0.8, 0.6), Region("panel", 1, 0.8, 0.1, 0.2, 0.6)]


def test_marks_say_what_is_there(findings):
    row = int((100.0 - findings.grid.price_edges[0]) / 0.5)
    marks = build_hover_map(
        findings,
        poster_of(
            *PANELS,
            Region("bin", row, 0.0, 0.4, 1.0, 0.02),
            Region("bucket", 12, 0.2, 0.1, 0.01, 0.9),
            Region("bucket", 4, 0.07, 0.1, 0.01, 0.9),
            Region("cluster", 1, 0.0, 0.4, 1.0, 0.02),
            Region("label", 1, 0.85, 0.39, 0.1, 0.04),
            Region("cascade", 1, 0.2, 0.8, 0.004, 0.2),
        ),
    )
    said = [(m.kind, m.title.split("\n")) for m in marks]
    assert said == [
        ("row", ["100.0 – 100.5", "longs 24.0K, shorts 0 USD, 24 events"]),
        ("column", ["2026-03-01 06:00 – 06:30 UTC", "longs 24.0K, shorts 0 USD, 24 events"]),
        ("column", ["2026-03-01 02:00 – 02:30 UTC", "nothing liquidated; partly or not recorded"]),
        ("band", ["Cluster 1: 100.2 – 100.4, peak 100.2, +4.37% from the last price", "24.0K USD, 86% of the window",
                  "longs 24.0K, shorts 0 USD, 24 events"]),
        ("cell", ["2026-03-01 06:00 – 06:30 UTC", "100.0 – 100.5", "longs 24.0K, shorts 0 USD, 24 events"]),
        ("label", ["Cluster 1: 100.2 – 100.4, peak 100.2, +4.37% from the last price", "24.0K USD, 86% of the window",
                   "longs 24.0K, shorts 0 USD, 24 events"]),
        ("burst", ["Cascade 1: 2026-03-01 06:00:00 UTC, 46 s", "24.0K USD, 100% longs, 24 events",
                   "price 100.2 to 100.2"]),
    ]  # fmt: skip
    boxes = {m.kind: (m.x, m.y, m.width, m.height) for m in marks}
    assert boxes["row"] == (0, 200, 1000, 10)
    assert boxes["band"] == (0, 200, 800, 10)  # of the heat alone: in the profile its rows answer
    assert boxes["cell"] == (200, 200, 10, 10)  # where row and column meet
    assert boxes["burst"] == (200, 400, 4, 100)


@pytest.mark.slow
def test_the_marks_of_the_real_picture(findings):
    poster = WindowFigures(findings).on_page()["heatmap"][0]
    kinds = [m.kind for m in poster.marks]
    grid = findings.grid
    assert kinds.count("column") == len(grid.bucket_starts_us) == 48
    assert kinds.count("row") == len(grid.price_edges) - 1
    assert kinds.count("cell") == 3
    assert (kinds.count("band"), kinds.count("label"), kinds.count("burst")) == (1, 1, 1)
    for m in poster.marks:
        assert 0 <= m.x < m.x + m.width <= poster.width
        assert 0 <= m.y < m.y + m.height <= poster.height
    columns = [m for m in poster.marks if m.kind == "column"]
    assert all(a.x + a.width == pytest.approx(b.x) for a, b in pairwise(columns))  # neither gap nor overlap
    rows = [m for m in poster.marks if m.kind == "row"]
    assert all(a.y == pytest.approx(b.y + b.height) for a, b in pairwise(rows))  # row 0 is the lowest


def test_only_the_hottest_cells_get_a_mark(findings):
    grid = findings.grid
    row = int((100.0 - grid.price_edges[0]) / 0.5)
    assert find_hottest_cells(grid, 1) == [(row, 12)]
    assert find_hottest_cells(grid, 2) == [(row, 12), (row + 8, 0)]
    assert len(find_hottest_cells(grid)) == 3


def test_places_in_steps_of_seconds_say_seconds(lake):
    store = fill_lake(lake, BURST)
    query = Query("SOL", since="2026-03-01T06:00Z", until="2026-03-01T06:01:30Z")
    findings = compute_results(store, query, GridOptions(bucket_us=1_000_000), ViewOptions())
    marks = build_hover_map(findings, poster_of(*PANELS, Region("bucket", 4, 0.2, 0.1, 0.01, 0.9)))
    assert marks[0].title.startswith("2026-03-01 06:00:04 – 06:00:05 UTC\nlongs 1.00K, shorts 0 USD, 1 event")


def test_rows_and_places_light_each_other_up(findings):
    report = build_document(findings)
    html = render_html(report, WindowFigures(findings).on_page())
    bursts = ":is(#burst-1,#flash-1,#entry-1)"  # in the map, in the cascades' own picture, in its list
    for row, link, places in (("cluster-1", "band-1", "#band-1"), ("cascade-1", "burst-1", bursts)):
        assert f'<tr id="{row}">' in html
        assert f'<a href="#{link}"' in html
        for place in re.findall(r"#([\w-]+)", places):
            assert html.count(f' id="{place}"') == 1
        assert f"body:has(#{row}:is(:hover,:focus-within)) {places}{{opacity:1}}" in html
        assert f"body:has({places}:is(:hover,:focus)) #{row}{{background:var(--mark)}}" in html
    band = re.search(r'<a href="#cluster-1" id="band-1"><title>([^<]+)</title>', html)
    assert band[1].startswith("Cluster 1: 100.2 – 100.4")
    # What lies over the picture is for the pointer; who listens to the page has the tables and the clusters' links.
    over = html[html.index('<svg class="over"') : html.index("</svg>", html.index('<svg class="over"'))]
    hidden = "".join(re.findall(r'<g aria-hidden="true">.*?</g>', over, re.DOTALL))
    assert "<a " not in hidden
    assert over.count("<title>") == hidden.count("<title>") + 1


def test_highlights_are_as_many_as_rows():
    assert build_highlights(0, 0) == ""
    assert build_highlights(2, 1).count("body:has(") == 6


def test_marks_without_clusters_label_no_band(lake):
    findings = compute_results(
        fill_lake(lake, APART), Query("SOL", since="2026-03-01", until="2026-03-02"), OPTIONS, ViewOptions()
    )
    found = {c.rank for c in findings.clusters}
    marks = build_hover_map(findings, poster_of(*PANELS, Region("cluster", 9, 0.0, 0.4, 1.0, 0.02)))
    assert 9 not in found
    assert not [m for m in marks if m.kind == "band"]
