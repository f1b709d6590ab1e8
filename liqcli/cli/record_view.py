"""The live view of ``liqcli record``: a table that renews itself on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from liqcli.cli import output
from liqcli.cli.progress import is_live_terminal

if TYPE_CHECKING:
    from rich.table import Table

    from liqcli.ingest.stream.summary import FeedState

COLUMNS = ("exchange", "state", "events", "USD", "last event", "lag", "clock", "reconnects")
STYLES = {"live": "green", "polling": "green", "unproven": "yellow", "connecting": "yellow"}


class RecordView:
    """Prints lines; shows nothing between them."""

    def say(self, text: str) -> None:
        """Print a line of progress."""
        output.say(text)

    def warn(self, text: str) -> None:
        """Print a warning."""
        output.warn(text)

    def show(self, states: Sequence[FeedState]) -> None:
        """Show what each exchange does now."""


class LiveView(RecordView):
    """Shows a table below the printed lines."""

    def __init__(self, live: Any) -> None:  # noqa: ANN401 - rich is imported late
        self._live = live

    def say(self, text: str) -> None:
        """Print a line above the table."""
        if not output.STATE.quiet:
            self._live.console.print(text, markup=False, highlight=False)

    def warn(self, text: str) -> None:
        """Print a warning above the table."""
        self._live.console.print(f"liqcli: warning: {text}", markup=False, highlight=False)

    def show(self, states: Sequence[FeedState]) -> None:
        """Renew the table."""
        from liqcli.core.times import now_us

        self._live.update(build_table(states, now_us()), refresh=True)


@contextlib.contextmanager
def open_view() -> Iterator[RecordView]:
    """Open the view that suits stderr."""
    if output.STATE.quiet or not is_live_terminal():
        yield RecordView()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield LiveView(live)


def build_table(states: Sequence[FeedState], now_us: int) -> Table:
    """Build the table: a row per exchange, and below it what is wrong."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("exchange", "state") else "right")
    for state in states:
        name, doing, *numbers = describe_state(state, now_us)
        table.add_row(name, Text(doing, STYLES.get(doing, "red")), *numbers)
    notes = [f"{state.exchange}: {state.note}" for state in states if state.note]
    table.caption = Text("\n".join(notes)) if notes else None
    table.caption_justify = "left"
    return table


def describe_state(state: FeedState, now_us: int) -> tuple[str, ...]:
    """Return the cells of a row; ``clock`` is this machine's clock less the exchange's."""
    from liqcli.core.formatting import format_count, format_duration, format_usd
    from liqcli.core.model import US_PER_S

    ago = "never" if state.event_us is None else f"{format_duration(max(0, now_us - state.event_us))} ago"
    lag = "" if state.delay_us is None else f"{state.delay_us / US_PER_S:.1f} s"
    clock = "" if state.offset_us is None else f"{state.offset_us / US_PER_S:+.1f} s"
    numbers = (format_count(state.events), format_usd(state.notional))
    return (state.exchange, state.state, *numbers, ago, lag, clock, format_count(state.breaks))
