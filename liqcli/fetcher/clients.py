"""Connections of one run: a client a source, made when it is first asked."""

from __future__ import annotations

import threading
from functools import partial

from liqcli.config import source_key
from liqcli.fetcher.progress import Progress
from liqcli.http import Client
from liqcli.market_sources.common import MarketSource
from liqcli.pace import count_workers
from liqcli.sources.common import Source


class Clients:
    """Give each source its one client; ``title`` is what progress calls a source, with its name in braces."""

    def __init__(self, progress: Progress, title: str = "{}") -> None:
        self._progress = progress
        self._title = title
        self._open: dict[str, Client] = {}
        self._lock = threading.Lock()

    def of(self, source: Source | MarketSource) -> Client:
        """Give the client of a source."""
        with self._lock:
            if source.name not in self._open:
                key = source_key(source.name) if isinstance(source, Source) and not source.keyless else None
                told = partial(self._progress.wait, self._title.format(source.name))
                self._open[source.name] = Client(source.name, source.url, source.limits, key, told)
            return self._open[source.name]

    def workers(self, source: Source | MarketSource) -> int:
        """Say how many threads ask a source; one where answers are shared, so that none is asked for twice."""
        if isinstance(source, Source) and source.shared:
            return 1
        return count_workers(self.of(source).limits)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for client in self._open.values():
                client.close()
