"""Heavy steps: single price steps of the cluster search that hold much of a window but lie in no cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liqcli.analysis.price_axis import PriceAxis
from liqcli.analysis.thin_data import LEAST_CLUSTER_EVENTS, LEAST_USD
from liqcli.query.columns import BinRows

HEAVY_PCT = 5.0  # of the window's USD, as displayed
MOST_STEPS = 3
ONE_ORDER = "one order holds more than half"
FEW_EVENTS = f"fewer than {LEAST_CLUSTER_EVENTS} events"
NOT_HIGHER = "not clearly higher than beside it"


@dataclass(frozen=True, slots=True)
class HeavyStep:
    """
    A price step ``[low, high)`` [quote] of the search; rank 1 holds the most USD.

    ``share`` is its share of the window's USD, 0 to 1; ``reason`` explains why it is not a cluster.
    """

    rank: int
    low: float
    high: float
    notional: float
    share: float
    long_notional: float
    short_notional: float
    events: int
    distance_pct: float | None
    step: float
    reason: str


def find_heavy_steps(
    bins: BinRows,
    axis: PriceAxis,
    taken: Sequence[tuple[float, float]],
    window_usd: float,
    last_price: float | None,
) -> tuple[HeavyStep, ...]:
    """
    Find the steps with at least 5% of the window's USD and 10,000 USD that lie in none of the ``taken`` bands.

    Parameters
    ----------
    bins : BinRows
        The events per fine price bin.
    axis : PriceAxis
        The axis of the cluster search.
    taken : sequence of (float, float)
        Edges of the clusters. [quote]
    window_usd : float
        Total of the window. [USD]
    last_price : float or None
        Last known price. [quote]

    Returns
    -------
    tuple of HeavyStep
        At most three, by falling USD, then lower price.
    """
    places = axis.place(bins.bin)
    found = []
    for place in np.unique(places).tolist():
        low, high = axis.edge(place), axis.edge(place + 1)
        rows = bins.take(places == place)
        usd = rows.usd
        is_heavy = usd >= LEAST_USD and round(100 * usd / window_usd, 1) >= HEAVY_PCT
        if is_heavy and not any(a < high and low < b for a, b in taken):
            found.append((usd, low, high, rows))
    found.sort(key=lambda step: (-step[0], step[1]))
    return tuple(
        HeavyStep(
            rank=rank,
            low=low,
            high=high,
            notional=usd,
            share=usd / window_usd,
            long_notional=int(rows.long_e6.sum()) / 1e6,
            short_notional=int(rows.short_e6.sum()) / 1e6,
            events=int(rows.events.sum()),
            distance_pct=100 * ((low + high) / 2 / last_price - 1) if last_price else None,
            step=axis.step.width,
            reason=_find_reason(rows, usd),
        )
        for rank, (usd, low, high, rows) in enumerate(found[:MOST_STEPS], start=1)
    )


def _find_reason(rows: BinRows, usd: float) -> str:
    if 2 * int(rows.largest_e6.max()) / 1e6 > usd:
        return ONE_ORDER
    return FEW_EVENTS if int(rows.events.sum()) < LEAST_CLUSTER_EVENTS else NOT_HIGHER
