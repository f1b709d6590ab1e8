"""
Read the files of very many events a second time, for the analyses: minutes and orders, hours, price bins, rings.

The numbers are those of ``symbol_minutes.sql``, ``hours.sql``, ``cluster_bins.sql``, ``active_buckets.sql`` and
``cumulative.sql``, which read the files once each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from liqcli.core.model import SIDES, US_PER_S, BinWidth, Window
from liqcli.core.times import MINUTE_US
from liqcli.query.columns import BinRows, Floats, HourRows, Ints, MinuteRows, PriceExtent, ProfileRows, RingRows
from liqcli.query.file_parts import StoredGroup, iter_batches, none_if_not_plain, run_in_threads
from liqcli.query.file_sums import FileSums
from liqcli.query.plain_rows import NotPlainError, find_bins, read_rows
from liqcli.query.row_details import DetailAxes, RowDetails, list_orders

COLUMNS = ("ts", "position", "price", "notional")
MOST_CELLS = 3_000_000  # bins of all exchanges, 56 bytes each
MOST_ACTIVE = 100_000_000  # buckets x bins, a byte each
MOST_MINUTES = 10_000_000  # 40 bytes each


@dataclass(frozen=True, slots=True)
class FileDetails:
    """
    Sums of a second pass over the events; ``bins`` and :meth:`count_active` are those in the requested price range.

    ``prices`` and ``long_prices`` are the price profiles of all events and of longs.
    """

    minutes: MinuteRows
    bins: BinRows
    prices: ProfileRows
    long_prices: ProfileRows
    _rows: RowDetails

    @property
    def extent(self) -> PriceExtent:
        """Number, sum and ends of the events in bins."""
        prices = self.prices.between(self._rows.axes.price_low, self._rows.axes.price_high)
        newest_us = int(self.bins.last_us.max())
        return PriceExtent(
            int(prices.events.sum()),
            int(prices.notional_e6.sum()),
            float(prices.price[0]),
            float(prices.price[-1]),
            newest_us,
        )

    def count_active(self, bands: Sequence[tuple[float, float]]) -> list[int]:
        """Count, for each price band of whole bins [quote], the time buckets with an event in it."""
        axes = self._rows.axes
        active = self._rows.active.reshape(axes.n_buckets, axes.n_bins)
        edges = np.array([axes.width.edge(axes.first_bin + k) for k in range(axes.n_bins + 1)])
        counts = []
        for low, high in bands:
            first, past = np.searchsorted(edges, low, side="right") - 1, np.searchsorted(edges, high)
            counts.append(int(active[:, max(first, 0) : past].any(axis=1).sum()))
        return counts

    def sum_hours(self, step_us: int, cycle_us: int) -> HourRows:
        """Sum per step of whole minutes and position; with a cycle [µs] by time within it, 0 for none."""
        events, usd_e6 = self._rows.minutes
        held = np.flatnonzero(events)
        place = (held // 2 + self._rows.axes.first_minute) * MINUTE_US
        place = place % cycle_us if cycle_us else place
        cells, number = np.unique((place - place % step_us) * 2 + held % 2, return_inverse=True)
        return HourRows(
            start_us=cells // 2,
            position=np.array(SIDES, dtype=np.object_)[cells % 2],
            notional_e6=_add(len(cells), number, usd_e6[held]),
            events=_add(len(cells), number, events[held]),
        )

    def sum_rings(self, last_price: float, step: BinWidth, price_low: float, price_high: float) -> RingRows:
        """Sum the events in ``[price_low, price_high)`` per ring of distance from the last price, and position."""
        prices, longs = self.prices.between(price_low, price_high), self.long_prices.between(price_low, price_high)
        rings, long_rings = (_find_rings(rows.price, last_price, step) for rows in (prices, longs))
        first = int(min(rings.min(initial=0), 0))
        number = int(rings.max(initial=0)) + 1 - first
        sums = np.zeros((2, number, 2), np.int64)  # events and USD per ring and side
        for row, column in zip(sums, ("events", "notional_e6"), strict=True):
            row[:, 0] = _add(number, long_rings - first, getattr(longs, column))
            row[:, 1] = _add(number, rings - first, getattr(prices, column)) - row[:, 0]
        events, usd_e6 = sums.reshape(2, -1)
        held = np.flatnonzero(events)
        sides = np.array(SIDES, dtype=np.object_)
        return RingRows(held // 2 + first, sides[held % 2], usd_e6[held], events[held])


@none_if_not_plain
def sum_details(
    sums: FileSums, window: Window, bucket_us: int, width: BinWidth, price_low: float, price_high: float
) -> FileDetails:
    """
    Sum the events of ``sums`` again.

    Parameters
    ----------
    window : Window
        Half-open. [UTC]
    bucket_us, width : int, BinWidth
        Length of a time bucket [µs] and width of a price bin [quote].
    price_low, price_high : float
        Half-open range of the prices in bins. [quote]

    Returns
    -------
    FileDetails or None
        None also if it would take too much memory.
    """
    details = RowDetails(_choose_axes(sums, window, bucket_us, width, price_low, price_high), sums.ticks)

    def add(job: Sequence[StoredGroup]) -> None:
        orders = []
        for stored in job:
            for batch in iter_batches(stored, COLUMNS):
                rows = read_rows(batch, stored.group, sums.filters)
                details.add(stored.group.exchange, rows)
                orders.append(list_orders(rows))
        details.add_orders(_join_orders(orders))

    run_in_threads(add, list_jobs(sums.groups))
    return FileDetails(
        _collect_minutes(details), _collect_bins(details), sums.profile, details.longs.collect(), details
    )


def _choose_axes(
    sums: FileSums, window: Window, bucket_us: int, width: BinWidth, price_low: float, price_high: float
) -> DetailAxes:
    prices = sums.profile.between(price_low, price_high).price
    exchanges = tuple(sorted(set(sums.totals.exchange.tolist())))
    first_minute, first_bucket = window.start_us // MINUTE_US, window.start_us // bucket_us
    n_minutes = -(-window.end_us // MINUTE_US) - first_minute
    n_buckets = -(-window.end_us // bucket_us) - first_bucket
    ends = find_bins(prices[[0, -1]], width).tolist() if len(prices) else [0, 0]
    n_bins = ends[1] - ends[0] + 1
    if n_bins * len(exchanges) > MOST_CELLS or n_bins * n_buckets > MOST_ACTIVE or n_minutes > MOST_MINUTES:
        raise NotPlainError
    minutes, buckets = (first_minute, n_minutes), (bucket_us, first_bucket, n_buckets)
    return DetailAxes(*minutes, *buckets, width, ends[0], n_bins, price_low, price_high, exchanges)


def list_jobs(groups: Sequence[StoredGroup]) -> Iterator[list[StoredGroup]]:
    """Yield row groups together that may share an order: same exchange and symbol, overlapping in time."""
    job: list[StoredGroup] = []
    last_s = 0
    for stored in sorted(groups, key=lambda stored: (*stored.group[:2], stored.ts_us)):
        first, last = (ts_us // US_PER_S for ts_us in stored.ts_us)
        if job and (stored.group[:2] != job[-1].group[:2] or first > last_s):
            yield job
            job, last_s = [], 0
        job.append(stored)
        last_s = max(last_s, last)
    if job:
        yield job


def _join_orders(parts: Sequence[Ints]) -> Ints:
    keys = np.concatenate(parts) if len(parts) != 1 else parts[0]
    return keys if (keys[1:] > keys[:-1]).all() else np.unique(keys)


def _collect_minutes(details: RowDetails) -> MinuteRows:
    events, usd_e6 = (sums.reshape(-1, 2) for sums in details.minutes)
    held = np.flatnonzero(events.sum(axis=1))
    long_e6, short_e6 = usd_e6[held].T
    starts = (held + details.axes.first_minute) * MINUTE_US
    return MinuteRows(starts, long_e6 + short_e6, long_e6, short_e6, details.orders[held], events[held].sum(axis=1))


def _collect_bins(details: RowDetails) -> BinRows:
    axes = details.axes
    places = np.arange(len(axes.exchanges) * axes.n_bins).reshape(-1, axes.n_bins).T.ravel()  # by bin, then exchange
    held = places[details.bins[0][places] > 0]
    events, roots, largest, first, last = details.bins[:, held]
    long_e6, short_e6 = details.bin_usd.reshape(-1, 2)[held].T
    exchange, number = np.divmod(held, axes.n_bins)
    return BinRows(
        bin=number + axes.first_bin,
        exchange=np.array(axes.exchanges, dtype=np.object_)[exchange],
        long_e6=long_e6,
        short_e6=short_e6,
        events=events,
        first_us=first,
        last_us=last,
        largest_e6=largest,
        recent_e6=long_e6 + short_e6,
        roots=roots,
    )


def _find_rings(price: Floats, last_price: float, step: BinWidth) -> Ints:
    """Find the ring of each price, exactly as ``cumulative.sql``."""
    num, den = float(step.num), float(step.den)
    k = np.floor((price / last_price - 1) * den / num)
    below = price < last_price * (den + k * num) / den
    above = ~below & (price >= last_price * (den + (k + 1) * num) / den)
    rings = (k - below + above).astype(np.int64)
    return np.where(price < last_price, np.minimum(rings, -1), np.maximum(rings, 0))


def _add(number: int, places: Ints, column: Ints) -> Ints:
    sums = np.zeros(number, np.int64)
    np.add.at(sums, places, column)
    return sums
