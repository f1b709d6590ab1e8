"""Binance's archive of USD-M candles and metrics, for older days and for networks that fapi refuses.

exchange: binance
docs: https://data.binance.vision, read 2026-11-22; no live file was read
gives: futures/um/{daily,monthly}/klines/SYM/INT zips, and daily/metrics zips with open interest every 5 minutes since
    2020-09-01 (documented); a day's file is there the day after (unproven: 26 hours are allowed), a month's some days
    into the next (unproven: three days are allowed). A missing file is a 404
limits: none documented; 20 requests in 2 s are sent, with the archive's liquidations
qty: volume base coins; sum_open_interest base coins, sum_open_interest_value USD (documented)
time: open time in ms, in files of futures (documented); microseconds, as spot files have, are read too. create_time of
    metrics is UTC text (documented); its first row of a day is 00:00 or 00:05 (both seen in code of others)
completeness: each zip is checked against its .CHECKSUM (sha256, "<hex> <file>"); of times repeated in metrics files the
    last row counts (2020-09-01: 576 rows of 288 times, probed by others)
changed: a header line is there in newer files and not in older ones; both are read
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from liqcli.core.market_data import Candle, OpenInterest
from liqcli.core.model import Window, to_us
from liqcli.core.symbols import split_symbol
from liqcli.net.response_body import Body
from liqcli.sources.base import DAY_US
from liqcli.sources.binance.archive import LIMITS
from liqcli.sources.binance.archive_files import decode, read_csv, request_zip
from liqcli.sources.binance.market import INTERVALS, QUOTES, TAKER_BUY
from liqcli.sources.market_base import (
    AskCandles,
    AskOpenInterest,
    MarketSource,
    Memo,
    build_candles,
    build_open_interest,
    read_candle,
    read_optional,
)

DAILY_US = 26 * 3600 * 1_000_000  # time after the end of a day until its file is available
MONTHLY_US = 3 * DAY_US
MICROSECONDS = 10**14  # a time in ms reaches this in the year 5138


def ask_candles(symbol: str, interval: str, window: Window, _memo: Memo) -> AskCandles:
    """Request the file of one day or one month."""
    if split_symbol(symbol)[1] not in QUOTES:
        return None
    span = "monthly" if window.length_us > DAY_US else "daily"
    day = f"{window.start:%Y-%m}" if span == "monthly" else f"{window.start:%Y-%m-%d}"
    name = f"{symbol}-{INTERVALS[interval]}-{day}.zip"
    body = yield from request_zip(f"/data/futures/um/{span}/klines/{symbol}/{INTERVALS[interval]}/{name}")
    if body is None:
        return None
    return build_candles((_candle(row) for row in _data_rows(body)), window, interval)


def ask_open_interest(symbol: str, window: Window, _memo: Memo) -> AskOpenInterest:
    """Request the metrics file of one day."""
    if split_symbol(symbol)[1] not in QUOTES:
        return None
    name = f"{symbol}-metrics-{window.start:%Y-%m-%d}.zip"
    body = yield from request_zip(f"/data/futures/um/daily/metrics/{symbol}/{name}")
    if body is None:
        return None
    return build_open_interest((_snapshot(row) for row in _data_rows(body)), Window(window.start_us, window.end_us + 1))


def cut_candles(gap: Window, _step_us: int, now_us: int) -> list[Window]:
    """List the months that lie wholly in the gap, and its remaining days."""
    windows: list[Window] = []
    for day in cut_days(gap, now_us):
        month = _month_of(day)
        whole = gap.start_us <= month.start_us and month.end_us <= min(gap.end_us, now_us - MONTHLY_US)
        if not whole:
            windows.append(day)
        elif not windows or windows[-1] != month:
            windows.append(month)
    return windows


def cut_days(gap: Window, now_us: int) -> list[Window]:
    """List the UTC days that overlap the gap and have a file."""
    first, last = gap.start_us // DAY_US, -(-gap.end_us // DAY_US)
    days = (Window(day * DAY_US, (day + 1) * DAY_US) for day in range(first, last))
    return [day for day in days if day.end_us <= now_us - DAILY_US]


def _data_rows(body: Body) -> Iterator[list[str]]:
    return (row for row in read_csv(body) if row[0][:1].isdigit())


def _candle(row: list[str]) -> Candle:
    opened = int(row[0])
    return read_candle(opened // 1000 if opened > MICROSECONDS else opened, row[1:5], row[5], row[TAKER_BUY])


def _snapshot(row: list[str]) -> OpenInterest:
    ts_us = to_us(datetime.strptime(row[0], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC))
    return OpenInterest(ts_us, read_optional(row[2]), read_optional(row[3]))


def _month_of(day: Window) -> Window:
    start = day.start.replace(day=1)
    following = datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=UTC)
    return Window(to_us(start), to_us(following))


SOURCE = MarketSource(
    name="binance-vision",
    exchange="binance",
    url="https://data.binance.vision",
    limits=LIMITS,
    decode=decode,
    intervals=INTERVALS,
    cut_candles=cut_candles,
    ask_candles=ask_candles,
    cut_open_interest=cut_days,
    ask_open_interest=ask_open_interest,
    is_archive=True,
)
