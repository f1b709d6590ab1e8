"""
Every source against every fault: two days of three symbols equal the truth, or are said to be missing; never silence.

The whole matrix is a soak test; a diagonal of it, with each source and each fault once or more, is run every time.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from loopback.cases import CASES, Case
from loopback.faults import FAULTS, IMPATIENT, spoilt
from loopback.scenes import be_swift, every_file, point, stored
from loopback.truth import Rows, inside, tidy

from liqcli.core.errors import ExitCode
from liqcli.core.model import Window
from liqcli.ingest.fetch import FetchSummary, fetch
from liqcli.lake.store import Lake
from liqcli.net import client
from liqcli.sources.registry import SOURCES

ARCHIVES = ("binance-vision",)  # whose files have a checksum
KEEPS_MORE = ("tardis", "cryptohftdata", "binance-vision")  # a file tells of more than was asked for
MATRIX = [
    pair
    for pair in ((name, fault) for name in CASES for fault in FAULTS)
    if pair[1] != "checksum" or pair[0] in ARCHIVES
]
# Every source meets a fault, and every fault a source.
DIAGONAL = [("gate", "duplicate"), ("htx", "no in 200"), ("okx", "duplicate"), ("tardis", "truncated"),
            ("cryptohftdata", "reset"), ("deribit", "broken off"), ("kraken", "500"), ("bitfinex", "busy in 200"),
            ("bitget", "429"), ("coinex", "html"), ("dydx", "hung up"), ("binance-vision", "checksum"),
            ("coinex", "empty"), ("bitget", "slow"), ("poloniex", "duplicate")]  # fmt: skip


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)


def test_every_source_and_fault_is_here() -> None:
    assert set(CASES) == set(SOURCES)
    assert {name for name, _ in DIAGONAL} == set(CASES)
    assert {fault for _, fault in DIAGONAL} == set(FAULTS)


@pytest.mark.soak
@pytest.mark.parametrize("name", CASES)
def test_two_days_equal_the_truth(monkeypatch: pytest.MonkeyPatch, lake: Path, name: str) -> None:
    """Without a fault: everything at once, and the second run asks nothing and changes nothing."""
    case = CASES[name]()
    _check(monkeypatch, lake, name, case, None)
    assert all(max(rows.values()) > 1 for rows in case.truth.rows.values()), "a truth without twins"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "fault"), DIAGONAL)
def test_a_fault_that_is_found(monkeypatch: pytest.MonkeyPatch, lake: Path, name: str, fault: str) -> None:
    _check(monkeypatch, lake, name, CASES[name](), fault)


@pytest.mark.soak
@pytest.mark.parametrize(("name", "fault"), [pair for pair in MATRIX if pair not in DIAGONAL])
def test_every_fault_is_found(monkeypatch: pytest.MonkeyPatch, lake: Path, name: str, fault: str) -> None:
    _check(monkeypatch, lake, name, CASES[name](), fault)


def _check(monkeypatch: pytest.MonkeyPatch, lake: Path, name: str, case: Case, fault: str | None) -> None:
    for variable, value in case.environment.items():
        monkeypatch.setenv(variable, value)
    for number, value in case.limits.items():
        monkeypatch.setattr(number, value)
    with case.server as server:
        point(monkeypatch, **{name.replace("-", "_"): server.url})
        patience = client.TIMEOUT_S
        if fault == "slow":
            monkeypatch.setattr(client, "TIMEOUT_S", IMPATIENT)
        with spoilt(server, FAULTS[fault], case.every) if fault else nullcontext() as spoiled:
            first = _fetch(lake, name, case)
        assert spoiled is None or len(spoiled) >= 2
        _nothing_is_wrong(lake, name, case, first)
        monkeypatch.setattr(client, "TIMEOUT_S", patience)
        if fault:
            assert first.exit_code in (ExitCode.DONE, ExitCode.PARTIAL, ExitCode.SOURCE)
            second = _fetch(lake, name, case)
            assert second.exit_code == ExitCode.DONE, second
        else:
            assert first.exit_code == ExitCode.DONE, first
        for symbol, rows in case.truth.rows.items():
            assert _held(lake, name, case, symbol) == tidy(rows), symbol
        before, asked = every_file(lake), len(server.asked)
        assert _fetch(lake, name, case).exit_code == ExitCode.DONE
        assert len(server.asked) == asked, "complete windows were asked again"
        assert every_file(lake) == before


def _fetch(lake: Path, name: str, case: Case) -> FetchSummary:
    return fetch(Lake(lake), case.truth.window, list(case.truth.rows), [name], [case.exchange] if case.exchange else [])


def _held(lake: Path, name: str, case: Case, symbol: str) -> Rows:
    rows = stored(lake, symbol)
    return tidy(inside(rows, case.truth.window) if name in KEEPS_MORE else rows)


def _nothing_is_wrong(lake: Path, name: str, case: Case, summary: FetchSummary) -> None:
    """No row is doubled or invented; what is reported as ok or logged as complete is there, otherwise with a reason."""
    assert {row.symbol for row in summary.rows} == set(case.truth.rows)
    for row in summary.rows:
        truth, held = tidy(case.truth.rows[row.symbol]), _held(lake, name, case, row.symbol)
        assert held <= truth, f"{row.symbol}: {held - truth} too many"
        if row.result == "ok":
            assert held == truth, f"{row.symbol}: {sum((truth - held).values())} rows are missing, and it says ok"
        else:
            assert row.error or row.troubles or row.cut, row
        memory = Lake(lake).read_fetch_log(row.exchange, row.symbol, name)
        for part in memory.covered(("complete",)):
            known = Window(*part)
            lost = inside(truth, known) - inside(held, known)
            assert not lost, f"{row.symbol}: {sum(lost.values())} rows are missing in a window called complete"
    wrong = {row.symbol for row in summary.rows if row.result != "ok"}
    assert bool(wrong) == (summary.exit_code != ExitCode.DONE), os.linesep.join(map(str, summary.rows))
