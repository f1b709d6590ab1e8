"""Durations as users type them."""

from __future__ import annotations

import pytest

from liqcli.core.durations import format_length, parse_length
from liqcli.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds", "shown"),
    [
        ("90s", 90, "90s"),
        ("15m", 900, "15m"),
        ("1h", 3600, "1h"),
        ("4h", 14400, "4h"),
        ("24h", 86400, "24h"),
        ("1d", 86400, "24h"),
        ("7d", 604800, "7d"),
        ("30d", 2592000, "30d"),
        ("1w", 604800, "7d"),
        ("36h", 129600, "36h"),
        ("60s", 60, "1m"),
        (" 24H ", 86400, "24h"),
        ("007s", 7, "7s"),
        ("2w", 1209600, "14d"),
        ("1d12h", 129600, "36h"),
        ("1h30m", 5400, "90m"),
        ("1W2d3h4m5s", 788645, "788645s"),
        ("0d5h", 18000, "5h"),
    ],
)
def test_length(text, seconds, shown):
    assert parse_length(text) == seconds * 1_000_000
    assert format_length(parse_length(text)) == shown
    assert parse_length(shown) == parse_length(text)


@pytest.mark.parametrize(
    "text", ["", "0h", "24", "h", "-1h", "1.5h", "30m1h", "1h2h", "1 h", "1y", "nan", "1e3s", "9" * 10 + "s"]
)
def test_bad_length(text):
    with pytest.raises(UsageError, match=r"^--bucket: .* is not a length of time; write it like 90s"):
        parse_length(text, "--bucket")
