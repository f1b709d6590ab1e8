"""Roles of clusters: both sides, above, below and around the price, and the threshold of dominance."""

from __future__ import annotations

import pytest

from liqcli.analysis.cluster_roles import describe_role, find_closed

WORDS = {
    ("above", 9, 1): "above: longs were flushed here; support that gave way",
    ("above", 1, 9): "above: shorts were squeezed here; resistance that gave way, and price came back below it",
    ("below", 9, 1): "below: longs were flushed here; support that gave way, and price came back above it",
    ("below", 1, 9): "below: shorts were squeezed here; resistance that gave way",
    ("above", 5, 5): "above: longs and shorts were liquidated here; contested, and price is below it now",
    ("below", 5, 5): "below: longs and shorts were liquidated here; contested, and price is above it now",
    ("at price", 9, 1): "at price: longs were flushed here, around the last price",
    ("at price", 1, 9): "at price: shorts were squeezed here, around the last price",
    ("at price", 5, 5): "at price: longs and shorts were liquidated here, around the last price",
    ("unknown", 1, 9): "unknown: shorts were squeezed here; no last price is known",
}


@pytest.mark.parametrize("case", WORDS)
def test_words(case: tuple[str, float, float]) -> None:
    assert describe_role(*case) == WORDS[case]


def test_closed_positions_fuel_nothing() -> None:
    said = " ".join(describe_role(side, *usd) for side in ("above", "below", "at price") for usd in ((9, 1), (1, 9)))
    assert [word for word in ("fuel", "will", "magnet", "traders") if word in said] == []


@pytest.mark.parametrize(
    ("longs", "closed"), [(695.1, "longs"), (694.9, "mixed"), (305.1, "mixed"), (304.9, "shorts"), (0, "shorts")]
)
def test_side_is_dominant_from_70_percent_as_displayed(longs: float, closed: str) -> None:
    """Of 1,000 USD: 69.51% is written 70%, 69.49% is 69%."""
    assert find_closed(longs, 1000 - longs) == closed
