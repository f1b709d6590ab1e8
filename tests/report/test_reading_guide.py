"""What is told to a first reader is what the program says of its sample, to the last digit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from factories import make_figure

from liqcli.analysis.checklist import HELD, LONGEST_S, RISING, SHORTEST_S, STYLES
from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.trade_levels import STOP_ATR, TARGET_ATR
from liqcli.demo import read_facts
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.report.document import build_document
from liqcli.report.html_markdown import render_markdown
from liqcli.report.reading_guide import build_reading_guide
from liqcli.report.results import ViewOptions, compute_results

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(sample):
    query = Query("BTCUSDT", lookback="24h", until=read_facts()["show_until"])
    return build_document(compute_results(Lake(sample), query, GridOptions(), ViewOptions()))


def test_the_numbers_of_the_text_are_those_of_the_sample(report):
    said = render_markdown(report, {"heatmap": make_figure()})
    quoted = re.findall(r"(?<!`)`([^`\n]*\d[^`\n]*)`(?!`)", TEXT)
    numbers = [words for words in quoted if not words.startswith("--")]
    assert len(numbers) > 40
    assert [words for words in numbers if words not in said] == []


def test_the_rules_of_the_text_are_those_of_the_program():
    lookbacks = (("scalping", 1), ("swing", 4), ("broad", 24), ("multi-day", 168), ("position", 720))
    assert [(name, hours * 3600) for name, hours in lookbacks] == [style[:2] for style in STYLES]
    assert "1 h for scalping, 4 h for a swing, 24 h for the broad picture" in TEXT
    assert "7 d for trades held for days, 30 d for trades held for weeks" in TEXT
    assert (HELD["multi-day"], HELD["position"]) == ("days", "weeks")
    assert (SHORTEST_S, LONGEST_S) == (1800, 60 * 86_400)
    assert "Under 30 min and over 60 d" in TEXT
    assert f"{RISING:g} times the mean volume of the 20 bars before" in TEXT
    assert (STOP_ATR, TARGET_ATR) == (1 / 4, 1 / 10)
    assert "a quarter of an ATR beyond the far edge, the target a tenth before the near edge" in " ".join(TEXT.split())


def test_every_link_of_the_text_leads_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert len(targets) >= 3
    assert [t for t in targets if not (ROOT / "docs" / t).exists()] == []


def test_a_page_explains_itself_with_its_own_numbers(report):
    explained = dict(build_reading_guide(report))
    assert "100 by 10 min" in explained["Cell"]
    assert "91,200 – 91,300 from 2026-01-07 14:00 UTC, 1.59M USD" in explained["Cell"]
    assert "The largest one here: 91,000 – 91,350, 3.21M USD, 16% of the window" in explained["Cluster"]
    assert "2.55M USD within 3 min 25 s from 2026-01-07 13:37 UTC" in explained["Cascade"]
    bare = dict(build_reading_guide({**report, "clusters": [], "cascades": []}))
    assert bare["Cluster"].endswith("This window has none.")
    assert bare["Cascade"].endswith("This window has none.")
