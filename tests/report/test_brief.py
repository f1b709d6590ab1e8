"""The five sentences of a report: from its numbers only, and nothing of what came after the window."""

from __future__ import annotations

from typing import Any

import pytest

from liqcli.report.brief import build_brief, describe_after, describe_zone

META: dict[str, Any] = {
    "symbol": "SOLUSDT",
    "start": "2026-03-01T00:00:00Z",
    "end": "2026-03-02T00:00:00Z",
    "notional": 1_000_000.0,
    "long_notional": 880_000.0,
    "short_notional": 120_000.0,
    "events": 1_234,
    "min_usd": 0.0,
    "position": "both",
    "completeness": "full",
    "last_price": 100.0,
    "bucket_s": 300.0,
    "busiest_start": "2026-03-01T12:00:00Z",
    "busiest_notional": 250_000.0,
    "too_little_data": None,
    "sample": False,
}
CASCADE: dict[str, Any] = {
    "start": "2026-03-01T12:00:00Z",
    "end": "2026-03-01T12:03:00Z",
    "seconds": 180.0,
    "position": "long",
    "position_share": 0.97,
    "notional": 400_000.0,
    "events": 40,
    "orders": 40,
    "price_from": 104.0,
    "price_to": 101.5,
    "price_after_15m_pct": -0.5,
    "price_after_1h_pct": 1.25,
}


LARGEST: dict[str, Any] = {
    "position": "long",
    "notional": 90_000.0,
    "price": 102.25,
    "exchange": "gate",
    "time": "2026-03-01T12:00:30Z",
}


def cluster(rank: int, low: float, high: float, usd: float, away: float, side: str) -> dict[str, Any]:
    return {
        "rank": rank, "low": low, "high": high, "step": 0.5, "notional": usd, "share": usd / 1e6,
        "peak_price": META["last_price"] + away, "distance_pct": away, "side": side,
    }  # fmt: skip


def report(**changes: Any) -> dict[str, Any]:
    """A window with two clusters below the price, one above, and one cascade; ``meta`` is merged."""
    whole: dict[str, Any] = {
        "exchanges": [{"exchange": "gate", "share": 1.0}],
        "clusters": [
            cluster(1, 96.0, 97.0, 300_000.0, -3.5, "below"),
            cluster(2, 98.5, 99.0, 200_000.0, -1.25, "below"),
            cluster(3, 102.0, 102.5, 100_000.0, 2.25, "above"),
        ],
        "nearest": {"nearest_above": 3, "largest_above": 3, "nearest_below": 2, "largest_below": 1},
        "cascades": [CASCADE],
        "zones": [],
        "largest_event": LARGEST,
        "heavy_outside": [],
        "hours": {
            "step_s": 3600,
            "of_day": False,
            "rows": [
                {"start": f"2026-03-01T{hour}:00:00Z", "notional": usd} for hour, usd in (("09", 1e5), ("12", 3e5))
            ],
        },
        "bands": [{"share": 0.2}, {"share": 0.1}, {"share": 0.05}, {"share": 0.04}],
        "cumulative": {"reach": [{"within_pct": w, "below": 10_000.0 * w, "above": 5e3} for w in (0.5, 1.0, 2.0)]},
        "coverage": {"share": 1.0, "inferred": False, "gaps": [], "damaged": []},
    }
    meta = {**META, **changes.pop("meta", {})}
    return {**whole, **changes, "meta": meta}


def test_five_sentences_hold_the_numbers_of_a_whole_window() -> None:
    assert build_brief(report()) == [
        "1.00M USD of SOLUSDT was liquidated on gate in the 24 h to 2026-03-02 00:00 UTC, in 1,234 events: "
        "88% longs (880K), 12% shorts (120K). Largest event: long, 90.0K USD at 102.25, 2026-03-01 12:00 UTC.",
        "3 clusters hold 60% of the total; the largest: 96.0 – 97.0, with 300K USD (30%). Busiest hour: "
        "2026-03-01 12:00 UTC, 300K USD (30%).",
        "Last price 100. Above: the only cluster 102.0 – 102.5 (100K USD, peak 102.25, +2.25%). Below: nearest cluster "
        "98.5 – 99.0 (200K USD, peak 98.75, -1.25%); largest 96.0 – 97.0 (300K USD, peak 96.5, -3.50%).",
        "One cascade: 400K USD in 3 min from 2026-03-01 12:00 UTC, 97% longs, from 104 to 101.5; "
        "the price was 0.50% lower 15 min later and 1.25% higher 1 h later.",
        "Data: the whole window was recorded; the feed is complete; realized liquidations only.",
    ]


@pytest.mark.parametrize(
    ("end", "after_15m", "after_1h", "said"),
    [
        ("2026-03-01T23:00:00Z", 0.0, -0.25, "the price was unchanged 15 min later and 0.25% lower 1 h later"),
        ("2026-03-01T23:00:01Z", 0.5, 9.0, "the price was 0.50% higher 15 min later"),  # an hour ends after the window
        ("2026-03-01T23:45:01Z", 9.0, 9.0, "the window ends less than 15 min later"),
        ("2026-03-01T12:00:00Z", None, None, "the price afterwards is unknown (candles missing or too coarse)"),
    ],
)
def test_no_price_after_the_window_is_used(
    end: str, after_15m: float | None, after_1h: float | None, said: str
) -> None:
    cascade = {**CASCADE, "end": end, "price_after_15m_pct": after_15m, "price_after_1h_pct": after_1h}
    assert describe_after(cascade, META) == said


def test_one_event_has_no_clusters_no_cascade_and_no_price_around_it() -> None:
    one = report(
        meta={
            "events": 1,
            "long_notional": 0.0,
            "short_notional": 900.0,
            "notional": 900.0,
            "too_little_data": "1 event",
        },
        clusters=[],
        cascades=[],
        cumulative={"reach": [{"within_pct": 0.0001, "below": 0.0, "above": 900.0}]},
    )
    assert build_brief(one)[:-1] == [
        "900 USD of SOLUSDT was liquidated on gate in the 24 h to 2026-03-02 00:00 UTC, in 1 event, all of it shorts. "
        "It was at 102.25, 2026-03-01 12:00 UTC.",
        "Too little data for clusters and cascades, which need 20 events and 10,000 USD.",
        "Last price 100. Everything was liquidated at this price.",
    ]


def test_without_clusters_price_steps_and_the_volume_near_the_price_are_given() -> None:
    _, steps, levels, cascade, _ = build_brief(report(clusters=[], cascades=[]))
    assert steps.startswith("No price band stands out; the 3 largest price steps hold 35% of the total. Busiest hour:")
    assert levels == "Last price 100. Liquidated within 1% below it: 10.0K USD; within 1% above it: 5.00K USD."
    assert cascade == "No cascade: no minute had enough orders and USD above the baseline of the window."
    hours = {"step_s": 3600, "of_day": True, "rows": [{"start": "09:00", "notional": 9e5}]}
    _, busiest, *_ = build_brief(report(hours=hours))  # an hour of several days is no time
    assert busiest.endswith("Busiest 5 min: 2026-03-01 12:00 UTC, 250K USD (25%).")


def test_clusters_that_touch_are_one_zone_and_the_largest_event_names_its_exchange() -> None:
    zone = {"ranks": [3, 2], "low": 98.5, "high": 102.5, "step": 0.5, "notional": 300_000.0, "share": 0.3}
    exchanges = [{"exchange": "gate", "share": 0.5}, {"exchange": "okx", "share": 0.5}]
    first, second, *_ = build_brief(report(zones=[zone], exchanges=exchanges))
    assert first.endswith("Largest event: long, 90.0K USD at 102.25, gate, 2026-03-01 12:00 UTC.")
    assert "; clusters 2 and 3 form one zone: 98.5 – 102.5, 300K USD together (30%)." in second
    assert describe_zone({**zone, "ranks": [4, 1, 3]}).startswith("clusters 1, 3 and 4 form one zone")


def test_the_largest_move_of_the_price_in_a_gap_is_named() -> None:
    def gap(hour: int, furthest: float | None) -> dict[str, Any]:
        move = None if furthest is None else furthest - 100.0
        return {
            "start": f"2026-03-01T{hour:02d}:00:00Z", "end": f"2026-03-01T{hour + 1:02d}:00:00Z", "seconds": 3600.0,
            "price_from": 100.0, "price_furthest": furthest, "move_pct": move,
        }  # fmt: skip

    def last(*gaps: dict[str, Any]) -> str:
        return build_brief(report(coverage={"share": 0.9, "inferred": False, "gaps": list(gaps), "damaged": []}))[-1]

    assert (
        "; while nothing was recorded, the price fell by up to 8.5%, from 100 to 91.5 "
        "(2026-03-01 05:00 to 06:00 UTC);" in last(gap(1, 104.0), gap(5, 91.5), gap(9, None))
    )
    assert "rose by up to 1.0%, from 100 to 101 (" in last(gap(1, 101.0))
    assert "while nothing" not in last(gap(1, 100.99), gap(9, None))


def test_what_is_not_known_of_the_data_is_said_and_totals_become_minimums() -> None:
    gaps = [
        {"start": "2026-03-01T01:00:00Z", "end": "2026-03-01T02:30:00Z", "seconds": 5400.0, "move_pct": None},
        {"start": "2026-03-01T23:30:00Z", "end": "2026-03-02T00:00:00Z", "seconds": 1800.0, "move_pct": None},
    ]
    coverage = {"share": 0.9167, "inferred": True, "gaps": gaps, "damaged": ["a.parquet"]}
    shares = {"a": 0.5, "b": 0.3, "c": 0.15, "d": 0.05}
    exchanges = [{"exchange": name, "share": share} for name, share in shares.items()]
    first, *_, last = build_brief(report(coverage=coverage, exchanges=exchanges, meta={"completeness": "mixed"}))
    assert first.startswith(
        "At least 1.00M USD of SOLUSDT was liquidated on 4 exchanges (a 50%, b 30%, c 15% and 1 more) in the recorded "
        "91.7% of the 24 h to 2026-03-02 00:00 UTC, in 1,234 events"
    )
    assert last == (
        "Data: 91.7% of the window was recorded (estimated from pauses in the file; longest gap 2026-03-01 01:00 to "
        "02:30 UTC); some feeds are samples, so totals are minimums; 1 damaged file left out; realized liquidations "
        "only."
    )
    sampled = build_brief(report(exchanges=exchanges, meta={"completeness": "sampled"}))
    assert "the feeds are samples, so totals are minimums" in sampled[-1]
    nowhere = {**coverage, "share": None, "damaged": []}
    unknown = build_brief(report(coverage=nowhere))
    assert unknown[0].startswith("At least")
    assert "One recorded cascade: " in unknown[3]
    assert "how much of the window was recorded is unknown; totals may be too low; realized" in unknown[-1]
    sampled = build_brief(report(coverage=nowhere, meta={"completeness": "sampled"}))
    assert "recorded is unknown; the feed is a sample, so totals are minimums; realized" in sampled[-1]


def test_a_heavier_price_step_and_events_that_are_parts_of_orders_are_named() -> None:
    step = {"low": 97.5, "high": 98.0, "step": 0.5, "notional": 300_001.0, "reason": "one order holds more than half"}
    pieces = [{**CASCADE, "events": 41}]
    first, second, third, *_ = build_brief(
        report(heavy_outside=[step], cascades=pieces, coverage={"share": None, "gaps": [], "damaged": []},
               clusters=[cluster(1, 96.0, 97.0, 300_000.0, -3.5, "below")],
               nearest={"nearest_above": None, "largest_above": None, "nearest_below": 1, "largest_below": 1})
    )  # fmt: skip
    assert "Largest event (an order can have several): long, 90.0K USD at 102.25" in first
    assert second.startswith(
        "One cluster: 96.0 – 97.0, with 300K USD (30%); 97.5 – 98.0 holds 300K USD, but one order holds more than half"
    )
    assert "No cluster above among the recorded events." in third
    lighter = build_brief(report(heavy_outside=[{**step, "notional": 300_000.0}]))
    assert "97.5" not in lighter[1]


def test_filters_and_the_sample_are_named() -> None:
    first, *_, last = build_brief(report(meta={"position": "long", "min_usd": 5_000.0, "sample": True}))
    assert first == (
        "1.00M USD of SOLUSDT longs was liquidated on gate in the 24 h to 2026-03-02 00:00 UTC, in 1,234 events of at "
        "least 5.00K USD. Largest event: long, 90.0K USD at 102.25, 2026-03-01 12:00 UTC."
    )
    assert last.endswith("synthetic sample data, not events of an exchange.")
