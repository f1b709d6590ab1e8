"""Products of parameters: a few pairs every time, the others in a soak test."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest


def pairs(first: Collection[Any], second: Collection[Any]) -> list[Any]:
    """
    List every pair of two parameters; each value is in a pair that runs every time.

    Those run in a diagonal; the rest of the product is left to ``make soak``.
    """
    rows, columns, found = list(first), list(second), []
    for number, row in enumerate(rows):
        for place, column in enumerate(columns):
            length = max(len(rows), len(columns))
            always = any(k % len(rows) == number and k % len(columns) == place for k in range(length))
            values = (*row, column) if isinstance(row, tuple) else (row, column)
            found.append(pytest.param(*values, marks=() if always else pytest.mark.soak))
    return found
