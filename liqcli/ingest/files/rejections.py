"""Group and count the reasons for rejected rows: reasons without their values, most frequent first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from liqcli.core.model import Rejected

MOST_REASONS = 1000  # distinct reasons; others are counted together
_VALUES = re.compile(r"'[^']*'…?|\"[^\"]*\"…?|'[^']*…|\"[^\"]*…|(?<![\w.])[-+]?\d[\d.,]*(?:e[-+]?\d+)?(?!\w)")


@dataclass(slots=True)
class Reason:
    """A reason: number of rows rejected for it, and the first of them."""

    count: int
    first: Rejected


class RejectionCounter:
    """Counts rejected rows by reason, ignoring quoted text and numbers in reasons."""

    def __init__(self, rejected: Iterable[Rejected] = ()) -> None:
        self.count = 0
        self._kinds: dict[str, Reason] = {}
        for row in rejected:
            self.add(row)

    def add(self, row: Rejected) -> None:
        """Count one rejected row."""
        self.count += 1
        kind = _VALUES.sub("…", row.reason)
        if kind not in self._kinds and len(self._kinds) >= MOST_REASONS:
            kind = ""
        if found := self._kinds.get(kind):
            found.count += 1
        else:
            self._kinds[kind] = Reason(1, row)

    def reasons(self) -> list[Reason]:
        """List the reasons, most frequent first, then by line."""
        return sorted(self._kinds.values(), key=lambda reason: (-reason.count, reason.first.line, reason.first.reason))
