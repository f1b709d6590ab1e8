"""``--symbol all``: every symbol that a source lists, from requests that name none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from conftest import RunCli
from loopback.bitfinex import BitfinexServer, count_truth, make_matches
from loopback.scenes import HOUR_US, NOBODY, WINDOW, be_swift, every_file, gate_server, point, stored
from loopback.server import Reply
from loopback.truth import Event, count_expected, make_events, tidy
from loopback.venues import GateServer

from liqcli.core.errors import ExitCode, UsageError
from liqcli.core.model import Window
from liqcli.ingest.fetch import fetch
from liqcli.ingest.fetch.messages import list_notes
from liqcli.lake import store
from liqcli.lake.store import Lake
from liqcli.sources.registry import SOURCES

BTC, ETH = make_events(WINDOW, seed=1), make_events(WINDOW, 2, busy=400, whole_seconds=True)
LISTED = ["BTCUSD", "BTCUSDT", "ETHUSDT", "SOLUSDT"]  # SOLUSDT and BTCUSD without a single event


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)


def test_gate_has_every_symbol_from_requests_without_contract(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with gate_server() as server:
        point(monkeypatch, gate=server.url)
        summary = fetch(Lake(lake), WINDOW, ["all"], ["gate"])
        asked = server.paths("liq_orders")
    assert tidy(stored(lake, "BTCUSDT")) == tidy(count_expected(BTC, WINDOW, Decimal("0.0001")))
    assert tidy(stored(lake, "ETHUSDT")) == tidy(count_expected(ETH, WINDOW, Decimal("0.01")))
    assert not stored(lake, "SOLUSDT")
    assert [row.symbol for row in summary.rows] == LISTED
    assert [row.symbol for row in summary.shown] == ["BTCUSDT", "ETHUSDT"]
    assert summary.exit_code == ExitCode.DONE
    assert list_notes(summary) == ["2 of 4 symbols have no new events"]
    assert not any("contract" in each.params for each in asked)
    assert sum(row.requests for row in summary.rows) == len(server.asked), "each request was sent for one symbol"


def test_all_symbols_are_merged_by_one_engine(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Opening one per symbol took most of the time of a fetch of all."""
    opened = []
    open_merger = store.open_merger
    monkeypatch.setattr(store, "open_merger", lambda root: opened.append(root) or open_merger(root))
    with gate_server() as server:
        point(monkeypatch, gate=server.url)
        fetch(Lake(lake), WINDOW, ["all"], ["gate"])
        fetch(Lake(lake), WINDOW, ["all"], ["gate"])
    assert opened == [lake], "none for a run without news"
    assert len(list(lake.rglob("*.parquet"))) == 2


def test_a_symbol_without_events_was_asked_too(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with gate_server() as server:
        point(monkeypatch, gate=server.url)
        fetch(Lake(lake), WINDOW, ["all"], ["gate"])
    for symbol in LISTED:
        assert list(Lake(lake).read_fetch_log("gate", symbol, "gate").covered(("complete",))) == [WINDOW.interval], (
            symbol
        )


@pytest.mark.parametrize("first", [["all"], ["BTCUSDT", "SOLUSDT"]])
def test_one_symbol_and_all_in_turn_double_nothing(
    monkeypatch: pytest.MonkeyPatch, lake: Path, first: list[str]
) -> None:
    """All, then one: nothing is left to ask. One, then all: the others are asked, and its rows stay as they are."""
    second = ["BTCUSDT"] if first == ["all"] else ["all"]
    with gate_server() as server:
        point(monkeypatch, gate=server.url)
        fetch(Lake(lake), WINDOW, first, ["gate"])
        before, asked = every_file(lake), len(server.paths("liq_orders"))
        assert fetch(Lake(lake), WINDOW, second, ["gate"]).exit_code == ExitCode.DONE
        again = len(server.paths("liq_orders")) - asked
        after = every_file(lake)
        assert fetch(Lake(lake), WINDOW, ["all"], ["gate"]).exit_code == ExitCode.DONE
        assert every_file(lake) == after, "a second run of all changes nothing"
        assert len(server.paths("liq_orders")) == asked + again
    assert (again == 0) == (second == ["BTCUSDT"])
    assert {name: content for name, content in after.items() if name in before and "symbol=BTCUSDT" in name} == {
        name: content for name, content in before.items() if "symbol=BTCUSDT" in name
    }
    assert tidy(stored(lake, "BTCUSDT")) == tidy(count_expected(BTC, WINDOW, Decimal("0.0001")))
    assert tidy(stored(lake, "ETHUSDT")) == tidy(count_expected(ETH, WINDOW, Decimal("0.01")))


def test_all_again_replaces_and_does_not_add(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with gate_server() as server:
        point(monkeypatch, gate=server.url)
        fetch(Lake(lake), WINDOW, ["all"], ["gate"])
        fetch(Lake(lake), WINDOW, ["all"], ["gate"], again=True)
    assert tidy(stored(lake, "BTCUSDT")) == tidy(count_expected(BTC, WINDOW, Decimal("0.0001")))


def test_a_failing_hour_is_missing_of_every_symbol(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """It stays unknown for quiet symbols too, and the next run fetches only that hour."""
    hour = Window((WINDOW.start_us // HOUR_US + 2) * HOUR_US, (WINDOW.start_us // HOUR_US + 3) * HOUR_US)
    with gate_server() as server:
        honest = server.answer

        def answer(asked):  # type: ignore[no-untyped-def]
            fails = asked.params.get("from") == str(hour.start_us // 1_000_000)
            return Reply(404, b"{}") if fails else honest(asked)

        server.answer = answer  # type: ignore[method-assign]
        point(monkeypatch, gate=server.url)
        assert fetch(Lake(lake), WINDOW, ["all"], ["gate"]).exit_code == ExitCode.PARTIAL
        for symbol in LISTED:
            assert Lake(lake).read_fetch_log("gate", symbol, "gate").missing(WINDOW) == [hour], symbol
        before = len(server.paths("liq_orders"))
        server.answer = honest  # type: ignore[method-assign]
        assert fetch(Lake(lake), WINDOW, ["all"], ["gate"]).exit_code == ExitCode.DONE
        assert all(int(a.params["from"]) >= hour.start_us // 10**6 for a in server.paths("liq_orders")[before:])
    assert tidy(stored(lake, "BTCUSDT")) == tidy(count_expected(BTC, WINDOW, Decimal("0.0001")))


def test_contracts_without_a_known_size_are_named(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """A contract that is no longer listed has rows, but nobody says how much one contract is."""
    gone = Event(WINDOW.start_us // 1000 + 1, "long", 5, Decimal(3))
    with GateServer({"BTC_USDT": BTC, "LUNA_USDT": [gone]}, {"BTC_USDT": "0.0001", "LUNA_USDT": "1"}) as server:
        server._contract = lambda name: {"name": name if name != "LUNA_USDT" else "X", "type": "direct",  # type: ignore[method-assign]
                                         "quanto_multiplier": server.sizes[name]}  # fmt: skip
        point(monkeypatch, gate=server.url)
        summary = fetch(Lake(lake), WINDOW, ["all"], ["gate"])
    assert summary.notes == ("gate: left out 1 contract that it does not list: LUNA_USDT",)
    assert not stored(lake, "LUNAUSDT")


def test_bitfinex_reads_its_list_once_for_all(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    matches = {name: make_matches(WINDOW, seed, 40) for seed, name in enumerate(["tBTCF0:USTF0", "tETHF0:USTF0"], 1)}
    with BitfinexServer(matches) as server:
        point(monkeypatch, bitfinex=server.url)
        assert fetch(Lake(lake), WINDOW, ["BTC"], ["bitfinex"]).exit_code == ExitCode.DONE
        pages = len(server.paths("hist"))
        summary = fetch(Lake(lake), WINDOW, ["ALL"], ["bitfinex"], again=True)
        assert len(server.paths("hist")) == 2 * pages
    assert [row.symbol for row in summary.rows] == ["BTCUSDT", "ETHUSDT"]
    assert tidy(stored(lake, "BTCUSDT")) == tidy(count_truth(matches["tBTCF0:USTF0"], WINDOW))
    assert tidy(stored(lake, "ETHUSDT")) == tidy(count_truth(matches["tETHF0:USTF0"], WINDOW))


@pytest.mark.parametrize(
    ("symbols", "sources", "exchanges", "message"),
    [
        (["all"], ["htx"], [], "htx needs symbols"),
        (["all"], ["gate", "cryptohftdata"], [], "cryptohftdata needs symbols"),
        (["all"], [], ["kraken"], "kraken needs symbols"),
        (["all"], ["gatt"], [], "unknown source 'gatt'"),
        (["all"], [], ["nowhere"], "unknown exchange 'nowhere'"),
        (["all", "BTC"], ["gate"], [], "all cannot be combined"),
    ],
)
def test_what_cannot_be_asked_of_all(
    lake: Path, symbols: list[str], sources: list[str], exchanges: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        fetch(Lake(lake), WINDOW, symbols, sources, exchanges)
    assert not every_file(lake)


def test_the_command(run_cli: RunCli) -> None:
    """Only liquidations, a row per symbol with events; what needs symbols is a usage error."""
    environment = {f"LIQCLI_URL_{name.upper().replace('-', '_')}": NOBODY for name in SOURCES}
    words = ("fetch", "--symbol", "all", "--since", f"{WINDOW.start:%Y-%m-%dT%H:%M:%SZ}")
    words = (*words, "--until", f"{WINDOW.end:%Y-%m-%dT%H:%M:%SZ}")
    with gate_server() as server:
        environment |= {"LIQCLI_URL_GATE": server.url, "LIQCLI_RATE_GATE": "unlimited"}
        done = run_cli(*words, "--exchange", "gate", env=environment, check=0)
        again = run_cli(*words, "--exchange", "gate", env=environment, check=0)
        refused = run_cli(*words, "--source", "htx", env=environment, check=2)
        candles = run_cli(*words, "--kind", "candles", env=environment, check=2)
    assert [line.split()[2] for line in done.stdout.splitlines()] == ["symbol", "BTCUSDT", "ETHUSDT"]
    assert "2 of 4 symbols have no new events" in done.stderr
    assert (again.stdout, "4 of 4 symbols have no new events" in again.stderr) == ("", True)
    assert "--symbol all works with gate, tardis, bitfinex" in refused.stderr
    assert "--kind candles needs symbols" in candles.stderr


def test_the_daily_run_and_reports_need_symbols(run_cli: RunCli, lake: Path, tmp_path: Path) -> None:
    settings = tmp_path / "liqcli.toml"
    settings.write_text(f'lake = "{lake}"\nsymbols = ["all"]\n')
    assert "'all' has no report; list symbols" in run_cli("daily", "--config", str(settings), check=2).stderr
    report = run_cli("heatmap", "--symbol", "all", "--fetch", "-o", str(tmp_path / "x.html"), check=2)
    assert "fetch all with liqcli fetch --symbol all" in report.stderr
