"""What really happened: events made from a seed, with all that makes fetching hard."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from liqcli.model import Liquidation, Window

HOUR_MS = 3_600_000


class Event(NamedTuple):
    ts_ms: int
    position: str
    contracts: int
    price: Decimal


def make_events(window: Window, seed: int, busy: int = 2_300, whole_seconds: bool = False) -> list[Event]:
    """
    Events of a window of at least four hours: its first hour calm, its second ``busy``, its third empty; twins in one
    millisecond; events on every hour's edge, on the window's first and last millisecond, and just outside of it.
    """
    rng = random.Random(seed)
    start, end = window.start_us // 1000, window.end_us // 1000
    second = start + HOUR_MS
    times = [rng.randrange(start, second) for _ in range(30)]
    times += [rng.randrange(second, second + HOUR_MS) for _ in range(busy // 2)]
    times += [second + 600_000 + rng.randrange(0, 8_000) for _ in range(busy - busy // 2)]  # a burst of eight seconds
    times += [rng.randrange(start + 3 * HOUR_MS, end) for _ in range(40)]
    if whole_seconds:
        times = [ts // 1000 * 1000 for ts in times]
    step = 1000 if whole_seconds else 1
    edges = range(-(-start // HOUR_MS) * HOUR_MS, end + 1, HOUR_MS)
    calm = (start + 2 * HOUR_MS, start + 3 * HOUR_MS)
    on_edge = [ts for edge in edges for ts in (edge - step, edge) if not calm[0] <= ts < calm[1]]
    times += [*on_edge, start - step, start, end - step, end]
    events = [_make_event(rng, ts) for ts in times]
    events += rng.sample(events, 25) + [events[-2]] * 3  # twins and quadruplets
    rng.shuffle(events)
    return events


def _make_event(rng: random.Random, ts_ms: int) -> Event:
    price = Decimal(rng.randrange(600_000, 700_000)) / 10
    return Event(ts_ms, rng.choice(["long", "short"]), rng.choice([1, 7, 120, 4_003]), price)


def count_expected(events: list[Event], window: Window, size: Decimal) -> Counter[tuple[object, ...]]:
    """What the lake must hold of a linear contract, worked out with decimals."""
    return Counter(
        (e.ts_ms * 1000, e.position, float(e.price), float(e.contracts * size), float(e.contracts * size * e.price))
        for e in events
        if window.contains(e.ts_ms * 1000)
    )


def count_stored(rows: list[Liquidation]) -> Counter[tuple[object, ...]]:
    return Counter((r.ts_us, r.position, r.price, r.qty, r.notional) for r in rows)
