"""One exchange from two sources, fetched and reported: never added up, and every report compares them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from loopback.cryptohftdata import CryptoHftDataServer
from loopback.scenes import HOUR_US, be_swift, point
from loopback.truth import HOUR_MS, Event
from loopback.venues import OkxServer
from typer.testing import CliRunner

from liqcli.cli import app
from liqcli.core.formatting import format_iso
from liqcli.core.times import now_us

START_US = now_us() // HOUR_US * HOUR_US - 12 * HOUR_US
NAME = "BTC-USDT-SWAP"


def events(step: int) -> list[Event]:
    """Four hours, an event a minute, every third a short; each is 100 contracts of 0.01 BTC at 50,000 USD."""
    return [
        Event(START_US // 1000 + n * HOUR_MS // 60, "short" if n % 3 == 0 else "long", 100, Decimal(50_000))
        for n in range(0, 240, step)
    ]


def run(*words: object, code: int = 0) -> tuple[str, str]:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr


@pytest.fixture
def filled(monkeypatch: pytest.MonkeyPatch, lake: Path) -> Path:
    """OKX's own answer has all 240 events; CryptoHFTData recorded every second one."""
    be_swift(monkeypatch)
    monkeypatch.setenv("COLUMNS", "120")
    span = ("--since", format_iso(START_US), "--until", format_iso(START_US + 4 * HOUR_US))
    with (
        OkxServer({NAME: events(1)}, {NAME: "0.01"}, now_us() // 1000) as okx,
        CryptoHftDataServer({("okx_futures", NAME): events(2)}) as hft,
    ):
        point(monkeypatch, okx=okx.url, cryptohftdata=hft.url)
        run("fetch", "--source", "okx,cryptohftdata", "--exchange", "okx", "--symbol", "BTCUSDT", *span)
    return lake


@pytest.mark.usefixtures("empty_pictures")
def test_reports_name_the_counted_source_and_compare_the_other(filled: Path, tmp_path: Path) -> None:
    """240 x 50,000 USD count, 12M, two thirds long; the other has 120 of them. Nothing is 18M."""
    outputs = [tmp_path / f"r.{ending}" for ending in ("html", "md", "json")]
    flags = [word for path in outputs for word in ("-o", path)]
    span = ("--since", format_iso(START_US), "--until", format_iso(START_US + 4 * HOUR_US))
    run("heatmap", "--symbol", "BTCUSDT", *span, "--theme", "dark", *flags)
    report = json.loads(outputs[2].read_text())
    assert (report["meta"]["events"], report["meta"]["notional"]) == (240, 12e6)
    (comparison,) = report["coverage"]["comparisons"]
    assert comparison["counted"] == {"sources": ["okx"], "events": 240, "notional": 12e6, "long_notional": 8e6}
    assert comparison["left_out"] == {
        "sources": ["cryptohftdata"], "events": 120, "notional": 6e6, "long_notional": 4e6,
    }  # fmt: skip
    sentence = (
        "okx BTCUSDT: okx counted and cryptohftdata left out for the 4 h that both cover: "
        "240 events, 12.0M USD (67% long), against 120 events, 6.00M USD (67% long)"
    )
    assert report["coverage"]["overlaps"] == [sentence]
    for path in outputs[:2]:
        assert sentence in path.read_text(), path.name


def test_status_shows_which_source_counts(filled: Path) -> None:
    rows, said = run("status", "--format", "json")
    counted = {row["source"]: row["counted"] for row in json.loads(rows)}
    assert counted == {"okx": 1.0, "cryptohftdata": 0.0}
    assert said == ""
    table, said = run("status")
    totals = table.splitlines()[-1].split()
    assert totals[:6] == ["total", "1", "symbol", "2", "sources", "liquidations"]
    assert len(totals) == 11, "two times of two words, MB; no events and no USD: overlapping sources are not added up"
    assert said == "okx BTCUSDT: cryptohftdata is left out for 4 h that okx covers better; they are never added up\n"
    assert run("status", "--quiet")[1] == ""
