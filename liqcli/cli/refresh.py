"""Write a page again and again, and let the browser load it again; for ``--every`` and ``liqcli watch``."""

from __future__ import annotations

import contextlib
import html
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from liqcli.cli.output import open_in_browser, say, warn
from liqcli.core.errors import EmptyWindowError, LiqcliError, UsageError

SHORTEST_S = 5
QUICK_SECTIONS = "brief,map,clusters,exchanges,data"  # what is quick to draw
QUICK_THEME = "dark"  # one theme, which halves the work
WAITING = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta http-equiv="refresh" content="{seconds}">\n'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">\n'
    '<meta name="color-scheme" content="light dark">\n<meta name="generator" content="liqcli waiting">\n'
    "<title>{symbol} liquidations</title>\n</head>\n<body>\n<h1>{symbol} liquidations</h1>\n"
    "<p>Waiting for the first liquidation.</p>\n</body>\n</html>\n"
)


def parse_interval(text: str) -> int:
    """
    Parse the interval of ``--every``. [s]

    Raises
    ------
    UsageError
        Not a length of time, or shorter than five seconds.
    """
    from liqcli.core.durations import parse_length
    from liqcli.core.model import US_PER_S

    seconds = parse_length(text, "--every") // US_PER_S
    if seconds < SHORTEST_S:
        raise UsageError(f"--every: at least {SHORTEST_S}s, because drawing a page takes a second or two")
    return seconds


def repeat(draw: Callable[[], object], every_s: float, wait: Callable[[float], object] = time.sleep) -> None:
    """
    Draw at an interval until Ctrl-C or SIGTERM, counted from start to start.

    A window without data, or a failure of one round, is reported once and tried again.
    """
    from liqcli.ingest.fetch.worker_pool import raise_keyboard_interrupt

    before = ""
    with raise_keyboard_interrupt():
        while True:
            started = time.monotonic()
            try:
                draw()
                problem = ""
            except EmptyWindowError as error:
                problem = str(error)
            except UsageError:
                raise
            except LiqcliError as error:
                problem = str(error)
            if problem and problem != before:
                warn(f"{problem}; retrying")
            before = problem
            wait(max(0.0, every_s - (time.monotonic() - started)))


@dataclass(frozen=True, slots=True)
class WatchedPage:
    """A page to renew: ``exchanges`` as for :meth:`liqcli.Lake.heatmap`."""

    lake: Path
    symbol: str
    exchanges: tuple[str, ...]
    lookback: str
    path: Path
    every_s: int
    theme: str
    opens: bool

    def draw(self, refresh_s: int | None) -> None:
        """Write the page; before the first liquidation one that waits."""
        from liqcli.cli.lake import open_lake
        from liqcli.core.files import replace_file

        try:
            results = open_lake(self.lake).heatmap(
                self.symbol,
                lookback=self.lookback,
                exchanges=self.exchanges,
                theme=self.theme,
                sections=QUICK_SECTIONS,
            )
        except EmptyWindowError:
            text = WAITING.format(seconds=self.every_s, symbol=html.escape(self.symbol))
            replace_file(self.path, text.encode())
        else:
            results.save(self.path, refresh_s=refresh_s)


def renew_page(page: WatchedPage, parent: Connection) -> None:
    """
    Renew a page until the parent process closes the connection or ends; runs in a process of its own.

    Drawing takes a second or two, in which the recorder must not wait. The last page does not load itself again.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C reaches the whole group; the parent stores first
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):
        os.nice(5)
    is_open, before = False, ""
    ended = False
    while not ended:
        started = time.monotonic()
        try:
            page.draw(page.every_s)
            problem = ""
        except (LiqcliError, OSError) as error:
            problem = str(error)
        if problem and problem != before:
            warn(f"{page.path}: {problem}; retrying")
        before = problem
        if page.opens and not is_open and not problem:
            is_open = True
            open_in_browser(page.path)
        ended = parent.poll(max(0.0, page.every_s - (time.monotonic() - started)))
    try:
        page.draw(None)
    except (LiqcliError, OSError) as error:
        warn(f"{page.path}: {error}")
    else:
        say(f"wrote {page.path}")
