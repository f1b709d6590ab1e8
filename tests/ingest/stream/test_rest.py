"""Gaps of a recording are filled from the exchange's history; exchanges without a good stream are polled."""

from __future__ import annotations

import sys
from decimal import Decimal

import pytest
from factories import fill_lake, make_liquidation
from loopback.scenes import aim, be_swift, stored
from loopback.stream_scenes import linear
from loopback.truth import Event, tidy
from loopback.venues import GateServer, OkxServer

from liqcli.cli.record import RECORDED
from liqcli.core.formatting import format_iso
from liqcli.core.times import now_us
from liqcli.ingest.stream import record, rest
from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.ingest.stream.rest import GapFiller, Poller, Repeated, find_gaps
from liqcli.lake.selection import Query, build_selection
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.sources.registry import list_recorded, load_live_source
from liqcli.sources.stream_base import Channel

S = 1_000_000
MINUTE, HOUR = 60 * S, 3600 * S
NOW = now_us() // S * S
KEY = ("okx", "BTCUSDT")


def ago(minutes: float) -> int:
    return NOW - round(minutes * MINUTE)


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    """The whole run of the tests may last longer than the breaks that count as a gap."""
    monkeypatch.setattr(sys.modules[__name__], "NOW", now_us() // S * S)


def gaps(lake, moment_us=None):
    """Start and end of the gaps, in minutes before now."""
    found = find_gaps(Lake(lake), *KEY, "okx-live", moment_us or NOW)
    return [((NOW - start) / MINUTE, (NOW - end) / MINUTE) for start, end in found]


def made_lake(lake, live, fetched=()):
    logs = {(*KEY, "okx-live"): live, (*KEY, "okx"): fetched}
    windows = {key: [(ago(a), ago(b), status) for a, b, status in parts] for key, parts in logs.items()}
    return fill_lake(lake, [], windows)


def test_gaps_are_what_neither_stream_nor_rest_has(lake):
    made_lake(
        lake,
        [(600, 500, "complete"), (490, 300, "complete"), (300, 280, "unconfirmed"), (280, 3, "provisional")],
        [(495, 490, "complete")],
    )
    assert gaps(lake) == [(500, 495), (300, 280)]


def test_answers_that_were_too_young_are_asked_for_again(lake):
    """OKX's events settle after 15 minutes."""
    made_lake(lake, [(600, 30, "complete"), (28, 3, "complete")], [(30, 28, "provisional")])
    assert gaps(lake) == [(30, 28)]
    assert gaps(lake, ago(20)) == []


def test_what_the_history_no_longer_has_is_no_gap_to_fill(lake):
    """OKX keeps a day: of a gap of two days the last day is requested."""
    made_lake(lake, [(4 * 1440, 3 * 1440, "complete"), (60, 3, "complete")])
    ((start, end),) = gaps(lake)
    assert (start / 1440 <= 1.0, end) == (True, 60)


def test_without_a_recording_there_is_no_gap(lake):
    made_lake(lake, [], [(60, 50, "complete")])
    assert gaps(lake) == []


@pytest.fixture
def okx(monkeypatch):
    """Three events in a gap that ended 20 minutes ago."""
    events = [Event(ago(minutes) // 1000, "long", 100, Decimal(50_000)) for minutes in (25, 24, 22)]
    with OkxServer({"BTC-USDT-SWAP": events}, {"BTC-USDT-SWAP": "0.01"}, NOW // 1000) as server:
        aim(monkeypatch, "okx", server.url)
        yield server, linear(events, "0.01")


def filler(lake, said):
    buffer = StreamBuffer(load_live_source("okx"), Channel("/", ("BTCUSDT",)))
    return GapFiller(Lake(lake), [buffer], said.append, said.append)


def test_a_gap_is_filled_once(lake, okx):
    server, truth = okx
    made_lake(lake, [(60, 26, "complete"), (20, 0, "complete")])
    said = []
    each = filler(lake, said)
    each.run()
    assert tidy(stored(lake, "BTCUSDT", "okx")) == tidy(truth)
    assert len(said) == 1
    assert said[0].startswith("okx: gap of 6 min until ")
    assert said[0].endswith("filled from the exchange's history: 3 events")
    requests = len(server.asked)
    each.run()
    assert (len(server.asked), len(said)) == (requests, 1)


def test_what_fills_an_unconfirmed_silence_counts(lake, okx):
    """The stream has far more events in this window, but none of that time: there the history counts."""
    rows = [
        make_liquidation(ago(59) + k, exchange="okx", symbol="BTCUSDT", source="okx-live", completeness="sampled")
        for k in range(20)
    ]
    made_lake(lake, [(60, 26, "complete"), (26, 20, "unconfirmed"), (20, 0, "complete")])
    fill_lake(lake, rows)
    filler(lake, []).run()
    with DuckDBEngine() as engine:
        selection = build_selection(engine, Lake(lake), Query("BTCUSDT", "1h", until=format_iso(NOW)))
    assert selection.totals.events.sum() == 20 + 3
    assert selection.coverage[0].unknown == ()


def test_recorded_and_fetched_events_of_one_hour_are_not_added_up(lake):
    """The stream caught two of the three events that the history has; the report says which counted."""
    rows = [
        make_liquidation(ago(30 + k), exchange="okx", symbol="BTCUSDT", source=source, completeness="sampled")
        for source, number in (("okx", 3), ("okx-live", 2))
        for k in range(number)
    ]
    made_lake(lake, [(60, 0, "complete")], [(60, 0, "complete")])
    fill_lake(lake, rows)
    with DuckDBEngine() as engine:
        selection = build_selection(engine, Lake(lake), Query("BTCUSDT", "1h", until=format_iso(NOW)))
    assert selection.totals.events.sum() == 3
    (compared,) = selection.comparisons
    assert (compared.counted, compared.source) == (("okx",), "okx-live")
    assert (compared.instead.events, compared.left_out.events) == (3, 2)


def test_a_gap_that_cannot_be_filled_is_given_up(lake, monkeypatch):
    be_swift(monkeypatch)
    made_lake(lake, [(60, 26, "complete"), (20, 0, "complete")])
    said = []
    each = filler(lake, said)
    for _ in range(rest.MOST_TRIES + 2):
        each.run()
    assert len(said) == rest.MOST_TRIES
    assert "not filled" in said[0]
    assert said[-1].endswith("giving up")


# ------------------------------------------------------------------ polling


def test_polling_counts_each_event_once(lake, monkeypatch):
    first, later = (Event(ago(minutes) // 1000, "short", 10, Decimal(50_000)) for minutes in (9, 2))
    truth = {"BTC_USDT": [first]}
    with GateServer(truth, {"BTC_USDT": "0.0001", "ETH_USDT": "0.01"}) as server:
        aim(monkeypatch, "gate", server.url)
        said = []
        poller = Poller(Lake(lake), "gate", ["BTCUSDT"], said.append, ago(10))
        poller.run()
        server.rows |= GateServer({"BTC_USDT": [first, later]}, server.sizes).rows
        poller.run()
        poller.run()
    (row,) = poller.sum_up()
    assert (row.symbol, row.events, row.notional, row.breaks, row.result) == ("BTCUSDT", 2, 100.0, 0, "ok")
    assert row.covered_s == pytest.approx((now_us() - ago(10)) / S, abs=30)
    assert poller.state.state == "polling"
    assert poller.last_event_us == later.ts_ms * 1000
    assert said == []


def test_a_failure_is_reported_once_and_counted(lake, monkeypatch):
    be_swift(monkeypatch)
    said = []
    poller = Poller(Lake(lake), "gate", ["BTCUSDT"], said.append, ago(10))
    poller.run()
    poller.run()
    (row,) = poller.sum_up()
    assert (row.symbol, row.result, row.breaks) == ("BTCUSDT", "failed", 2)
    assert len(said) == 1


def test_a_fault_in_our_own_code_does_not_end_the_polling_silently(lake):
    said, runs = [], []

    class Job:
        stop = rest.threading.Event()

        def run(self):
            runs.append(1)
            if len(runs) > 2:
                self.stop.set()
            raise ZeroDivisionError("a bug")

    each = Repeated("gate", 0.0, Job(), said.append)
    each.start()
    each._thread.join(60)
    assert said == ["gate: unexpected ZeroDivisionError: a bug; retrying"] * 3


def test_a_polled_exchange_is_recorded_beside_a_stream(lake, monkeypatch):
    with GateServer({"BTC_USDT": []}, {"BTC_USDT": "0.0001"}) as server:
        aim(monkeypatch, "gate", server.url)
        states = []

        def show(found):
            states.append(found)

        summary = record(Lake(lake), ["BTCUSDT"], ["gate"], 1.0, tick_s=0.05, show=show)
    (row,) = summary.rows
    assert (row.source, row.symbol, row.events, row.result) == ("gate", "BTCUSDT", 0, "ok")
    assert "polling" in [state.state for tick in states for state in tick]  # the last one may have seen the end
    assert 55 < row.covered_s < 90
    start_us = Poller.resume(Lake(lake), "gate", ["BTC"], print).started_us
    assert 0 <= now_us() - start_us < 30 * S, "the next recording goes on where this one ended"


def test_the_command_names_polled_exchanges():
    assert set(RECORDED) == {*list_recorded(), *rest.POLL_S}
