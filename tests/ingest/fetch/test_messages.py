"""What came of a fetch in sentences: a cause once, who has what a source does not keep, and only what is true."""

from __future__ import annotations

import pytest

from liqcli.core.intervals import Intervals
from liqcli.core.model import US_PER_S, Window
from liqcli.core.times import now_us, parse_moment
from liqcli.ingest.fetch.messages import list_market_problems, list_notes, list_problems, suggest_next_step
from liqcli.ingest.fetch.source_selection import find_elsewhere
from liqcli.ingest.fetch.summary import FetchRow, FetchSummary
from liqcli.sources.base import DAY_US

NOW = parse_moment("2026-11-22T12:00Z", "")
DAY = Window(1_700_000_000 * US_PER_S, 1_700_086_400 * US_PER_S)
DOWN = "okx: /api/v5/public/instruments cannot be reached: DNS lookup failed for www.okx.com"


def row(symbol: str = "BTCUSDT", source: str = "okx", exchange: str = "okx", **changes: object) -> FetchRow:
    """Liquidations of which nothing is stored."""
    usual: dict[str, object] = {"requests": 1, "planned": 1, "holes": [DAY.interval]}
    return FetchRow("liquidations", symbol, DAY, exchange, (source,), **{**usual, **changes})  # type: ignore[arg-type]


def test_each_cause_is_reported_once() -> None:
    """The same for all symbols; named where it is about some; a source given up after a failure has that one cause."""
    rows = (
        row("BTCUSDT", error=DOWN, notes=("has not published data after noon",)),
        row("ETHUSDT", error=DOWN),
        row("BTCUSDT", "tardis", "binance", troubles=("2026-11-02: needs a key",), rejected=1200, holes=[]),
        row("ETHUSDT", "tardis", "binance", troubles=("2026-11-02: needs a key",), cut=2),
    )
    assert list_problems(FetchSummary(DAY, rows)) == [
        "okx: cannot be reached: DNS lookup failed for www.okx.com",
        "tardis binance: 2026-11-02: needs a key",
        "tardis binance BTCUSDT: 1,200 rows rejected; they are kept under rejected/ in the lake",
        "tardis binance ETHUSDT: 2 moments have more events than the source returns; those returned are stored",
    ]
    assert list_notes(FetchSummary(DAY, rows[:2])) == [], "nobody was asked what it publishes"


def test_what_windows_count_is_added_up() -> None:
    """Six hours a file list: a day without files is one line, and the first path is where to look."""
    gaps = [
        f"{n} of 6 hours have no file (quiet, or not recorded), first {hour:02}/BTC" for n, hour in ((6, 0), (2, 7))
    ]
    rows = (row(troubles=(*gaps, "2026-11-02: needs a key", "2026-11-02: needs a key")),)
    assert list_problems(FetchSummary(DAY, rows)) == [
        "okx BTCUSDT: 8 of 12 hours have no file (quiet, or not recorded), first 00/BTC",
        "okx BTCUSDT: 2026-11-02: needs a key",
    ]


def test_each_market_problem_is_reported_once() -> None:
    blocked, missing = "binance: /fapi/v1/klines answered 451", "gate has no candles of 3m"
    rows = [
        FetchRow("candles", "BTCUSDT", DAY, "bybit", troubles=[blocked]),
        FetchRow("open-interest", "BTCUSDT", DAY, "bybit", troubles=[blocked, blocked, missing]),
    ]
    assert list(list_market_problems(rows)) == [(blocked, False), (f"open-interest BTCUSDT: {missing}", False)]
    rows[1].partial = True
    assert list(list_market_problems(rows))[1] == (f"open-interest BTCUSDT: {missing}", True)


def test_missing_data_without_requests_are_explained() -> None:
    """Eight days of minutes are more than Gate keeps; no open interest is kept for a year."""
    rows = [
        FetchRow("candles", "BTCUSDT", DAY, "gate", partial=True),
        FetchRow("open-interest", "BTCUSDT", DAY, holes=[DAY.interval], partial=True),
        FetchRow("candles", "ETHUSDT", DAY, "gate"),
    ]
    assert list(list_market_problems(rows)) == [
        ("candles BTCUSDT: gate keeps only the most recent part", True),
        ("open-interest BTCUSDT: no exchange keeps data this old", True),
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], []),
        (["gate: answered 500"], []),
        (["gate: answered 500", "okx: cannot be reached: x"], ["re-run to retry unreachable sources; set LIQ"]),
        (["gate: cannot be reached: x", "okx: cannot be reached: y"], ["no source could be reached: is this machine"]),
    ],
)
def test_suggestions_for_unreachable_sources(lines: list[str], said: list[str]) -> None:
    assert [line[: len(start)] for line, start in zip(suggest_next_step(lines), said, strict=True)] == said


def span(start: str, end: str) -> Window:
    return Window(parse_moment(start, ""), parse_moment(end, ""))


@pytest.mark.parametrize(
    ("source", "exchange", "symbol", "window", "said"),
    [
        # Within reach, and an hour more than is kept: not worth a word.
        ("gate", "gate", "BTCUSDT", span("2026-11-01", "2026-11-02"), []),
        ("okx", "okx", "BTCUSDT", span("2026-11-21T12:00Z", "2026-11-22T12:00Z"), []),
        # Not published yet is not lost.
        ("deribit", "deribit", "BTCUSD", span("2026-11-22T00:00Z", "2026-11-22T12:00Z"), []),
        (
            "okx", "okx", "BTCUSDT", span("2025-09-02", "2025-09-03"),
            [
                "cryptohftdata has okx for that time: liqcli fetch --source cryptohftdata --exchange okx "
                "--symbol BTCUSDT --since 2025-09-02T00:00:00Z --until 2025-09-03T00:00:00Z"
            ],
        ),
        (  # the first day of a month is free at Tardis; CryptoHFTData begins on 2025-06-28
            "okx", "okx", "BTCUSDT", span("2025-02-27", "2025-03-04"),
            [
                "tardis has okx for that time (2025-03-01): liqcli fetch --source tardis --exchange okx "
                "--symbol BTCUSDT --since 2025-03-01T00:00:00Z --until 2025-03-02T00:00:00Z"
            ],
        ),
        (
            "gate", "gate", "BTCUSDT", span("2025-09-02", "2025-09-03"),
            [
                "no other source has gate for that time; other exchanges are available (binance, bybit, okx, bitget, "
                "kraken "
                "…): liqcli fetch --exchange binance --symbol BTCUSDT --since 2025-09-02T00:00:00Z "
                "--until 2025-09-03T00:00:00Z"
            ],
        ),
        ("gate", "gate", "BTCUSDT", span("2020-02-03", "2020-02-04"), []),  # nobody at all
        # Kraken and Deribit go back for years, but trade coins for dollars.
        (
            "gate", "gate", "BTCUSD", span("2024-10-20", "2024-10-21"),
            [
                "no other source has gate for that time; other exchanges are available (deribit, kraken): liqcli fetch "
                "--exchange deribit --symbol BTCUSD --since 2024-10-20T00:00:00Z --until 2024-10-21T00:00:00Z"
            ],
        ),
    ],
)  # fmt: skip
def test_who_has_what_a_source_does_not_keep(
    source: str, exchange: str, symbol: str, window: Window, said: list[str]
) -> None:
    assert list(find_elsewhere(source, exchange, Intervals([window.interval]), [symbol], NOW)) == said


def test_a_key_opens_the_other_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQCLI_KEY_TARDIS", "TD.secret")
    (line,) = find_elsewhere("okx", "okx", Intervals([span("2025-02-27", "2025-03-04").interval]), ["BTCUSDT"], NOW)
    assert line.startswith("tardis has okx for that time: liqcli fetch --source tardis")
    assert "secret" not in line


def test_notes_name_who_has_it() -> None:
    old = Window(now_us() // DAY_US * DAY_US - 100 * DAY_US, now_us() // DAY_US * DAY_US - 99 * DAY_US)
    rows = (row("BTCUSDT", "bitget", "bitget", holes=[old.interval], notes=("has no data before noon",)),)
    first, second, *_free = list_notes(FetchSummary(old, rows))
    assert first == "bitget BTCUSDT: has no data before noon"
    assert second.startswith("bitget: cryptohftdata has bitget for that time: liqcli fetch --source")
