"""Aster's live frames, written by hand in Binance's form."""

from __future__ import annotations

import pytest

from liqcli.sources.aster.stream import SOURCE

ORDER = {
    "s": "SOLUSDT", "S": "BUY", "o": "LIMIT", "f": "IOC", "q": "4", "p": "151", "ap": "150.5", "X": "FILLED", "z": "3",
    "T": 1791565602120,
}  # fmt: skip


def test_a_buy_closes_a_short_and_the_filled_part_counts():
    row = SOURCE.parse(SOURCE.read({"e": "forceOrder", "E": 1791565603055, "o": ORDER}).orders[0])
    assert (row.exchange, row.source, row.symbol, row.position) == ("aster", "aster", "SOLUSDT", "short")
    assert (row.price, row.price_kind, row.qty, row.completeness) == (150.5, "fill", 3.0, "sampled")
    assert row.notional == pytest.approx(451.5)


def test_one_connection_brings_every_symbol():
    (channel,) = SOURCE.channels(["SOLUSDT", "BTCUSDT"])
    assert (channel.path, channel.symbols) == ("/ws/!forceOrder@arr", ("SOLUSDT", "BTCUSDT"))
