"""Description of a kind of data: what is missing, which requests get it, how answers are stored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from liqcli.core.model import Window
from liqcli.ingest.fetch.planner import Plan
from liqcli.lake.store import Lake
from liqcli.sources.base import Ask, Endpoint
from liqcli.sources.market_base import Memo

if TYPE_CHECKING:
    from liqcli.ingest.fetch.tasks import Task, WindowResult

SourceT = TypeVar("SourceT", bound=Endpoint)
RowT = TypeVar("RowT")


class Kind(ABC, Generic[SourceT, RowT]):
    """
    One kind of data.

    Attributes
    ----------
    name : str
        As a user writes it.
    substitutes : bool
        Whether one exchange's data replace those of another: then the next exchange is tried, for the whole window.
    """

    name: str
    substitutes: bool = False

    @abstractmethod
    def list_sources(self, exchange: str) -> Sequence[SourceT]:
        """List the sources of an exchange in order of use."""

    @abstractmethod
    def find_missing(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        """
        Find the parts of a window to request.

        Raises
        ------
        DamagedError
            A stored file cannot be read.
        """

    def find_holes(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        """Find the parts of a window that the lake does not have; raises like :meth:`find_missing`."""
        return self.find_missing(lake, exchange, symbol, window)

    @abstractmethod
    def prepare_refetch(
        self, lake: Lake, exchange: str, symbol: str, window: Window, say: Callable[[str], None]
    ) -> None:
        """Quarantine damaged files before all of a window is fetched again."""

    @abstractmethod
    def plan(self, source: SourceT, symbol: str, missing: Sequence[Window], now_us: int) -> Plan:
        """Split missing parts into windows, one request or more each."""

    def stops(self, _source: SourceT) -> bool:
        """Return whether the first window shows if the source has the symbol, and a failure ends the task."""
        return False

    @abstractmethod
    def ask(self, source: SourceT, symbol: str, window: Window, memo: Memo) -> Ask[RowT]:
        """Yield the requests of a window and return its answer; ``memo`` is shared by the requests of a run."""

    @abstractmethod
    def store(self, lake: Lake, task: Task, results: Sequence[WindowResult]) -> None:
        """
        Write answers of a task; after an interrupt possibly the same ones again.

        Raises
        ------
        DamagedError
            A file to merge with cannot be read.
        """

    def list_notes(self) -> list[str]:
        """List what answers contained beyond the targets, at the end of a run."""
        return []

    def sum_notional_e6(self, _rows: Sequence[RowT]) -> int | None:
        """Return the total of liquidated rows; None for other kinds. [1e-6 USD]"""
        return None
