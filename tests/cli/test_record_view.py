"""The live view of a recording."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from liqcli.cli.record_view import LiveView, RecordView, build_table, describe_state, open_view
from liqcli.ingest.stream.summary import FeedState, join_states

S = 1_000_000
NOW = 1_772_323_200 * S


def state(exchange="okx", doing="live", **changes):
    fields = {"events": 12, "notional": 34_500.0, "event_us": NOW - 7 * S, "delay_us": 250_000, "breaks": 1}
    fields |= {"offset_us": -1_500_000}
    return FeedState(exchange, doing, **{**fields, **changes})


def test_cells():
    assert describe_state(state(), NOW) == ("okx", "live", "12", "34.5K", "7 s ago", "0.2 s", "-1.5 s", "1")
    quiet = state(event_us=None, delay_us=None, events=0, notional=0.0)
    assert describe_state(quiet, NOW)[2:6] == ("0", "0", "never", "")


def test_the_table_names_what_is_wrong():
    console = Console(file=StringIO(), width=100)
    console.print(build_table([state(), state("htx", "connecting", note="cannot be reached")], NOW))
    lines = console.file.getvalue().splitlines()
    assert lines[0].split() == ["exchange", "state", "events", "USD", "last", "event", "lag", "clock", "reconnects"]
    assert lines[2].split()[:2] == ["htx", "connecting"]
    assert lines[3].strip() == "htx: cannot be reached"


def test_two_connections_of_an_exchange_show_the_worse_one():
    joined = join_states(state(event_us=NOW - 9 * S), state(doing="silent", event_us=NOW - S, delay_us=1, note="quiet"))
    assert (joined.state, joined.events, joined.event_us, joined.delay_us) == ("silent", 24, NOW - S, 1)
    assert (joined.breaks, joined.note) == (2, "quiet")


def test_lines_are_printed_above_the_table():
    class Live:
        console = Console(file=StringIO(), width=100)
        shown = 0

        def update(self, _table, refresh):
            self.shown += refresh

    view = LiveView(Live())
    view.show([state()])
    view.say("okx: [listening]")
    view.warn("lost")
    assert Live.console.file.getvalue() == "okx: [listening]\nliqcli: warning: lost\n"
    assert view._live.shown == 1


def test_without_a_terminal_there_are_only_lines(capsys):
    with open_view() as view:
        assert type(view) is RecordView
        view.show([state()])
        view.say("okx: listening")
    assert capsys.readouterr().err == "okx: listening\n"
