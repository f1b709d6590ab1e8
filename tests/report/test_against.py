"""What changed since the window before: planted clusters, totals, and windows that cannot be compared."""

from __future__ import annotations

import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_figure, make_liquidation

import liqcli
from liqcli.core.errors import UsageError
from liqcli.report.html_markdown import render_html

pytestmark = pytest.mark.usefixtures("empty_pictures")

DAY_2 = {"since": "2026-03-02", "until": "2026-03-03"}  # T0 is 2026-03-01
KEY = ("gate", "SOLUSDT", "gate")
BOTH_DAYS = {KEY: [(T0, T0 + 2 * DAY, "complete")]}
OTHER = ("against", "command", "content_hash")


def plant(day, price, usd, **changes):
    """Twenty longs of the same USD within 0.2 of a price, ten minutes apart."""
    return [
        make_liquidation(T0 + day * DAY + k * 10 * MINUTE, at, qty=usd / 20 / at, **changes)
        for k in range(20)
        for at in [price + 0.05 * (k % 5)]
    ]


def noise(day, low=80, high=120):
    """One order of 100 USD per price and hour of the day, far apart."""
    return [
        make_liquidation(T0 + day * DAY + (k % 24) * HOUR, float(price), qty=100 / price, position="short")
        for k, price in enumerate(range(low, high))
    ]


def days(before=(), now=()):
    """Noise on both days, and clusters: price -> USD."""
    rows = [*noise(0), *noise(1)]
    for day, planted in ((0, before), (1, now)):
        for price, usd in dict(planted).items():
            rows += plant(day, price, usd)
    return rows


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Day 1: 85, 95, 100 and 110. Day 2: less at 85, twice at 95, nothing at 100, the same at 110, 90 is new."""
    rows = days(
        {85.5: 80_000, 95.5: 50_000, 100.5: 60_000, 110.5: 40_000},
        {85.5: 20_000, 95.5: 100_000, 110.5: 40_000, 90.5: 30_000},
    )
    return liqcli.Lake(fill_lake(tmp_path_factory.mktemp("lake"), rows, BOTH_DAYS).root)


def against(lake, **options):
    return lake.heatmap("SOLUSDT", against="previous", theme="dark", **{**DAY_2, **options}).report["against"]


def short(found):
    """Status, rank, lower edge, USD now and before of each cluster."""
    return [(c["status"], c["rank"], c["low"], c["notional"], c["previous"]) for c in found["clusters"]]


def test_planted_clusters_are_grown_unchanged_new_shrunk_and_gone(lake):
    found = against(lake)
    assert short(found) == [
        ("grown", 1, 95.5, 100_000.0, 50_000.0),
        ("unchanged", 2, 110.5, 40_000.0, 40_000.0),
        ("new", 3, 90.5, 30_000.0, 0.0),
        ("shrunk", 4, 85.5, 20_000.0, 80_000.0),
        ("gone", None, 100.5, 0.0, 60_000.0),
    ]
    assert [c["change"] for c in found["clusters"]] == [1.0, 0.0, None, -0.75, -1.0]
    assert (found["start"], found["end"]) == ("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")


def test_totals_are_those_of_the_two_windows(lake):
    """Noise is 40 orders of 100 USD; clusters 230,000 before and 190,000 now."""
    found = against(lake)
    now, before = found["totals"]["now"], found["totals"]["before"]
    assert (now["notional"], now["long_notional"], now["short_notional"]) == (194_000.0, 190_000.0, 4_000.0)
    assert (before["notional"], before["events"]) == (234_000.0, 120)
    assert found["totals"]["change"] == pytest.approx(194 / 234 - 1)
    assert (found["unknown"], found["command"]) == (None, None)
    assert (
        before["notional"] == lake.heatmap("SOLUSDT", since="2026-03-01", until="2026-03-02").report["meta"]["notional"]
    )


def test_nothing_else_in_the_report_changes(lake):
    plain = lake.heatmap("SOLUSDT", **DAY_2).report
    asked = lake.heatmap("SOLUSDT", against="previous", **DAY_2).report
    assert "against" not in plain
    assert {k: v for k, v in asked.items() if k not in OTHER} == {k: v for k, v in plain.items() if k not in OTHER}
    assert "--against previous" in asked["command"]
    assert "--against" not in plain["command"]


def test_the_same_options_apply_to_both_windows(lake):
    """All planted orders are longs, all noise is shorts; only 95 and 100 lie between 94 and 102."""
    shorts = against(lake, position="short")
    assert shorts["totals"]["before"]["notional"] == 4_000.0
    assert shorts["clusters"] == []
    ranged = against(lake, price_range="94:102")
    assert [(c["status"], c["low"]) for c in ranged["clusters"]] == [("grown", 95.5), ("gone", 100.5)]
    large = against(lake, min_usd=1_001)
    assert large["totals"]["now"]["notional"] == 170_000.0  # without 20 orders of 1,000 USD at 85.5


def test_a_cluster_below_the_most_is_neither_new_nor_gone(lake):
    """With one cluster per window: now 95.5; before 85.5, which is still a cluster now, of rank 4."""
    assert short(against(lake, max_clusters=1)) == [("grown", 1, 95.5, 100_000.0, 50_000.0)]


def test_the_amount_before_counts_all_liquidations_in_the_band(tmp_path):
    """Before: three orders of 500 USD at 90.6, which are no cluster."""
    few = [make_liquidation(T0 + k * HOUR, 90.6, qty=500 / 90.6) for k in range(3)]
    rows = [*days({100.5: 60_000}, {90.5: 30_000}), *few]
    found = against(liqcli.Lake(fill_lake(tmp_path, rows, BOTH_DAYS).root))
    assert short(found) == [("new", 1, 90.5, 30_000.0, 1_500.0), ("gone", None, 100.5, 0.0, 60_000.0)]


def test_an_event_at_the_start_belongs_to_the_window_alone(tmp_path):
    rows = [make_liquidation(T0 + DAY - 1, 100.0), make_liquidation(T0 + DAY, 100.0, qty=2.0)]
    totals = against(liqcli.Lake(fill_lake(tmp_path, rows, BOTH_DAYS).root))["totals"]
    assert (totals["now"]["notional"], totals["before"]["notional"]) == (200.0, 100.0)


def test_a_recorded_window_without_events_is_a_sentence(tmp_path):
    lake = liqcli.Lake(fill_lake(tmp_path / "lake", [*noise(1), *plant(1, 90.5, 30_000)], BOTH_DAYS).root)
    found = lake.heatmap("SOLUSDT", against="previous", theme="dark", **DAY_2)
    assert short(found.report["against"]) == [("new", 1, 90.5, 30_000.0, 0.0)]
    assert found.report["against"]["totals"]["before"] is None
    assert "2026-03-01 00:00 to 2026-03-02 00:00 UTC, no liquidations." in found.render("html")


def test_prices_without_events_before(tmp_path):
    """Only prices from 200 on; before, the other orders count in the total and none in a band."""
    rows = [*noise(0), *noise(1, 200, 220), *plant(1, 210.5, 30_000)]
    found = against(liqcli.Lake(fill_lake(tmp_path, rows, BOTH_DAYS).root), price_range="200:220")
    assert short(found) == [("new", 1, 210.5, 30_000.0, 0.0)]
    assert found["totals"]["before"]["notional"] == 4_000.0


@pytest.mark.parametrize(
    ("memories", "reason"),
    [
        ({KEY: [(T0 + DAY, T0 + 2 * DAY, "complete")]}, "the period before is not recorded"),
        ({KEY: [(T0 + 12 * HOUR, T0 + 2 * DAY, "complete")]}, "only 50.0% of the period before recorded"),
        ({KEY: [(T0, T0 + DAY + 12 * HOUR, "complete")]}, "only 50.0% of this period recorded"),
        ({}, "it is not known how much of the period before is recorded"),
        (
            {**BOTH_DAYS, ("okx", "SOLUSDT", "okx"): [(T0 + DAY, T0 + 2 * DAY, "complete")]},
            "okx recorded only now",
        ),
    ],
)
def test_windows_recorded_differently_are_not_compared(tmp_path, memories, reason):
    before = [] if "not recorded" in reason else noise(0)
    lake = liqcli.Lake(fill_lake(tmp_path / "lake", [*before, *noise(1), *plant(1, 90.5, 30_000)], memories).root)
    found = lake.heatmap("SOLUSDT", against="previous", theme="dark", **DAY_2)
    part = found.report["against"]
    assert (part["unknown"], part["clusters"], part["totals"]["change"]) == (reason, [], None)
    assert part["command"] == (
        "liqcli fetch --symbol SOLUSDT --since 2026-03-01T00:00:00Z --until 2026-03-03T00:00:00Z"
    )
    for page in found.save(tmp_path / "r.html", tmp_path / "r.md") if not memories else ():
        if page.suffix != ".png":
            assert f"are unknown: {reason}." in page.read_text()


def test_contracts_added_up_must_be_the_same(tmp_path):
    """SOL means both contracts; SOLUSDC is recorded on the same exchange, but only now."""
    memories = {**BOTH_DAYS, ("gate", "SOLUSDC", "gate"): [(T0 + DAY, T0 + 2 * DAY, "complete")]}
    rows = [*noise(0), *noise(1), make_liquidation(T0 + DAY + 5, symbol="SOLUSDC")]
    lake = liqcli.Lake(fill_lake(tmp_path, rows, memories).root)
    found = lake.heatmap("SOL", against="previous", **DAY_2).report["against"]
    assert found["unknown"] == "SOLUSDC on gate recorded only now"


def test_damaged_files_of_the_window_before(tmp_path):
    """February cannot be read, March can."""
    first = [make_liquidation(row.ts_us - DAY, row.price, row.qty) for row in noise(0)]
    memories = {KEY: [(T0 - DAY, T0 + DAY, "complete")]}
    lake = fill_lake(tmp_path, [*first, *noise(0)], memories)
    (path,) = lake.root.rglob("month=2026-02/*.parquet")
    path.write_bytes(b"nothing")
    window = {"since": "2026-03-01", "until": "2026-03-02"}
    found = against(liqcli.Lake(lake.root), **window)
    assert "damaged" in found["unknown"]


def test_the_pages_have_a_table(lake, tmp_path):
    found = lake.heatmap("SOLUSDT", against="previous", theme="dark", sections="clusters,cascades", **DAY_2)
    html, text = tmp_path / "r.html", tmp_path / "r.md"
    found.save(html, text)
    page, markdown = html.read_text(), text.read_text()
    assert (
        page.index('id="clusters"')
        < page.index('<h2 id="against">Since the window before')
        < page.index('id="cascades"')
    )
    assert '<a href="#against">' in page
    assert "| 1 | 95.5 – 95.8 | grown | 100K | 50.0K | +100% |" in markdown
    assert "| – | 100.5 – 100.8 | gone | 0 | 60.0K | -100% |" in markdown
    assert "in 120 events: -17%." in markdown
    lake.heatmap("SOLUSDT", theme="dark", sections="clusters", **DAY_2).save(html)
    assert "window before" not in html.read_text()


def test_a_page_without_clusters_ends_with_the_section(lake):
    found = lake.heatmap("SOLUSDT", against="previous", sections="brief,hours", theme="dark", **DAY_2)
    page = found.render("html")
    assert page.index('id="hours"') < page.index('<h2 id="against">')


def test_the_choice_is_checked(lake):
    with pytest.raises(UsageError, match=r"invalid --against 'last' \(choose previous\)"):
        lake.heatmap("SOLUSDT", against="last", **DAY_2)


def test_new_clusters_are_marked_in_the_picture(lake):
    from liqcli.charts.cluster_labels import label_words
    from liqcli.report.heatmap_figure import build_spec

    found = lake.heatmap("SOLUSDT", against="previous", **DAY_2)
    assert [label_words(band) for band in build_spec(found.results).bands] == [
        "95.525 · 100K",
        "110.53 · 40.0K",
        "90.525 · 30.0K · new",
        "85.525 · 20.0K",
    ]
    plain = build_spec(lake.heatmap("SOLUSDT", **DAY_2).results)
    assert not any(band.note for band in plain.bands)


def test_a_side_without_clusters_has_a_sentence_and_no_card(lake):
    report = dict(lake.heatmap("SOLUSDT", theme="dark", **DAY_2).report)
    assert report["nearest"]["nearest_above"]
    report["nearest"] = {**report["nearest"], "nearest_below": None, "largest_below": None}
    page = render_html(report, {"heatmap": [make_figure("dark", "alt")]})
    assert (page.count("<h3>Nearest above</h3>"), page.count("<h3>Nearest below</h3>")) == (1, 0)
    assert page.count("No cluster below the last price.") == 1
