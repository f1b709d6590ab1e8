"""What came of candles and open interest: a row a kind and symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from liqcli.errors import ExitCode
from liqcli.intervals import total_length
from liqcli.model import Window

NOTHING = Window(0, 0)


@dataclass(slots=True)
class MarketRow:
    """
    What came of one kind and symbol, from the best exchange that was asked, at its ``places``.

    ``rows`` were stored by this run; ``answered`` of ``planned`` windows; ``lacking`` stretches stay open; the lake has
    all of ``whole``, the wanted window in whole steps, but the ``holes``; ``troubles`` say why, and what exchanges that
    were passed over said.
    """

    kind: str
    symbol: str
    exchange: str = ""
    requests: int = 0
    rows: int = 0
    planned: int = 0
    answered: int = 0
    lacking: int = 0
    usable: bool = False
    whole: Window = NOTHING
    holes: list[Window] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """How much of the wanted window the lake holds, 0 to 1; all of it where nothing can be there yet."""
        return 1 - length_of(self.holes) / max(1, self.whole.length_us)

    @property
    def result(self) -> str:
        """The row in a word: ok, partial, failed."""
        if self.usable:
            return "partial" if self.lacking else "ok"
        return "failed"


def judge_market(rows: Sequence[MarketRow]) -> ExitCode:
    """0 all came, 6 some is missing, 3 nothing usable."""
    if rows and not any(row.usable for row in rows):
        return ExitCode.SOURCE
    return ExitCode.PARTIAL if any(row.result != "ok" for row in rows) else ExitCode.DONE


def length_of(windows: Sequence[Window]) -> int:
    """Add up the lengths. [µs]"""
    return total_length(window.interval for window in windows)
