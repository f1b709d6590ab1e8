"""What really happened: events made from a seed, with all that makes fetching hard."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from liqcli.core.model import Window

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
Rows = Counter[tuple[object, ...]]  # (ts_us, position, price, qty, notional) -> how often


class Truth(NamedTuple):
    """Symbol -> what the lake must hold of a window."""

    window: Window
    rows: dict[str, Rows]


def two_days(now_us: int) -> Window:
    """Two days that ended three days ago, edges on no hour."""
    start = now_us // 1000 // DAY_MS * DAY_MS - 5 * DAY_MS + 13 * 60_000
    return Window(start * 1000, (start + 2 * DAY_MS) * 1000)


def edge_times(window: Window) -> list[int]:
    """Milliseconds at which a fetch goes wrong first: the window's edges, just outside of them, and full hours."""
    start, end = window.start_us // 1000, window.end_us // 1000
    hours = range(-(-start // HOUR_MS) * HOUR_MS, end, 4 * HOUR_MS)
    return [start - 1, start, end - 1, end, *(ts for hour in hours for ts in (hour - 1, hour))]


def inside(rows: Rows, window: Window) -> Rows:
    """Only what lies in a window: sources that answer in days or hours bring more than was asked for."""
    return Counter({row: n for row, n in rows.items() if window.contains(int(str(row[0])))})


def tidy(rows: Rows) -> Rows:
    """To eleven digits: a quotient of decimals and one of doubles differ in the last."""
    found: Rows = Counter()
    for (ts, position, *numbers), count in rows.items():
        found[(ts, position, *(f"{float(str(number)):.11g}" for number in numbers))] += count
    return found


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


def count_expected(events: list[Event], window: Window, size: Decimal) -> Rows:
    """What the lake must hold of a linear contract of ``size`` coins, worked out with decimals."""
    return Counter(
        (e.ts_ms * 1000, e.position, float(e.price), float(e.contracts * size), float(e.contracts * size * e.price))
        for e in events
        if window.contains(e.ts_ms * 1000)
    )


def count_inverse(events: list[Event], window: Window, face: int) -> Rows:
    """What the lake must hold of an inverse contract of ``face`` USD."""
    return Counter(
        (e.ts_ms * 1000, e.position, float(e.price), float(e.contracts * face / e.price), float(e.contracts * face))
        for e in events
        if window.contains(e.ts_ms * 1000)
    )
