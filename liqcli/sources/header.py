"""Read the header of a source module, with its facts and their evidence, for tests and docs/sources.md."""

from __future__ import annotations

import importlib
import re

from liqcli.sources.registry import LIVE_SOURCES, SOURCES

KEYS = (
    "exchange",
    "docs",
    "gives",
    "limits",
    "side",
    "price",
    "qty",
    "time",
    "completeness",
    "changed",
    "fixture",
)
_KEY = re.compile(r"^([a-z]+): +(\S.*)$")


def read_header(name: str) -> dict[str, str]:
    """Read the header of a source by its name in ``SOURCES`` or ``LIVE_SOURCES``."""
    return parse_header(importlib.import_module({**SOURCES, **LIVE_SOURCES}[name]).__doc__ or "")


def parse_header(docstring: str) -> dict[str, str]:
    """
    Read ``key: text`` lines; further lines of a text are indented.

    Raises
    ------
    ValueError
        A key twice, unknown, missing or out of order.
    """
    facts: dict[str, str] = {}
    current = ""
    for line in docstring.splitlines():
        if match := _KEY.match(line):
            current = match[1]
            if current in facts:
                raise ValueError(f"header has {current!r} twice")
            facts[current] = match[2].strip()
        elif current and line.startswith("    "):
            facts[current] += " " + line.strip()
        else:
            current = ""
    if tuple(facts) != KEYS:
        raise ValueError(f"header has the keys {', '.join(facts)}; wanted: {', '.join(KEYS)}")
    return facts
