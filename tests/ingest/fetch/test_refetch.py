"""Damaged files: verify names them and the command; the command run as it stands makes the lake whole again."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loopback.market import BinanceMarket
from loopback.scenes import HOUR_US, WINDOW, be_swift, gate_server, point, stored
from loopback.venues import GateServer
from typer.testing import CliRunner

from liqcli.cli import app
from liqcli.core.model import Window
from liqcli.ingest.fetch import fetch
from liqcli.ingest.fetch.writer import Writer
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.sources.registry import KNOWN_SOURCES


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with five hours of two symbols from Gate, fetched once."""
    lake = tmp_path_factory.mktemp("clean") / "lake"
    with pytest.MonkeyPatch.context() as patch, gate_server() as server:
        be_swift(patch)
        point(patch, gate=server.url)
        fetch(Lake(lake), WINDOW, ["BTCUSDT", "ETHUSDT"], ["gate"])
    return lake


def gate_file(lake: Path) -> Path:
    return next(lake.glob("liquidations/exchange=gate/symbol=BTCUSDT/*/gate.parquet"))


def memory_file(lake: Path) -> Path:
    return lake / "windows/exchange=gate/symbol=BTCUSDT/gate.json"


def data(lake: Path) -> dict[str, bytes]:
    return {path.parts[-3]: path.read_bytes() for path in sorted((lake / "liquidations").rglob("*.parquet"))}


def known(lake: Path) -> list[tuple[Window, str, int | None]]:
    """Return the fetch log without the times of requests."""
    memory = Lake(lake).read_fetch_log("gate", "BTCUSDT", "gate")
    return [(item.window, item.status, item.events) for item in memory.windows]


def run(command: str | list[str], code: int) -> str:
    """Run a command of ours as it stands; gives what it said."""
    words = shlex.split(command) if isinstance(command, str) else ["liqcli", *command]
    assert words[0] == "liqcli"
    done = CliRunner().invoke(app, words[1:], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def cut(lake: Path) -> None:
    path = gate_file(lake)
    path.write_bytes(path.read_bytes()[:-20])


def overwrite(lake: Path) -> None:
    path = gate_file(lake)
    content = bytearray(path.read_bytes())
    content[40:400] = b"\xff" * 360
    path.write_bytes(bytes(content))


def rewrite(lake: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    path = gate_file(lake)
    with path.open("rb") as handle:
        table = pq.read_table(handle)
    pq.write_table(change(table), path)


def lose_rows(lake: Path) -> None:
    rewrite(lake, lambda table: table.slice(0, 700))


def turn_over(lake: Path) -> None:
    rewrite(lake, lambda table: table.take(list(reversed(range(len(table))))))


def make_negative(lake: Path) -> None:
    prices = [-1.0] * 3
    rewrite(
        lake,
        lambda table: table.set_column(3, "price", pa.array([*prices, *table["price"].to_pylist()[3:]], pa.float64())),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "aside"),
    [
        (cut, True),
        (overwrite, True),
        (lambda lake: gate_file(lake).unlink(), False),
        (lose_rows, False),
        (turn_over, False),
        (make_negative, False),
    ],
    ids=["cut off", "overwritten", "gone", "rows lost", "out of order", "negative price"],
)
def test_the_command_that_verify_names_makes_the_lake_whole(
    monkeypatch: pytest.MonkeyPatch, clean: Path, lake: Path, damage: Callable[[Path], None], aside: bool
) -> None:
    """Data and fetch log equal those of the clean lake; an unreadable file is quarantined."""
    shutil.copytree(clean, lake)
    run(["verify"], 0)
    damage(lake)
    broken = gate_file(lake).read_bytes() if aside else b""
    said = run(["verify"], 5)
    (command,) = {line.partition("to do: ")[2] for line in said.splitlines() if "to do: " in line}
    assert command.startswith("liqcli fetch --again --source gate --exchange gate --symbol BTCUSDT --since ")
    with gate_server() as server:
        point(monkeypatch, gate=server.url)
        told = run(command, 0)
    assert data(lake) == data(clean)
    assert known(lake) == known(clean)
    assert verify_lake(Lake(lake), KNOWN_SOURCES).issues == []
    kept = list(lake.rglob("damaged/**/*.parquet"))
    assert [path.read_bytes() for path in kept] == ([broken] if aside else [])
    assert ("moved to" in told) is aside


def test_each_answer_written_by_itself_counts_as_all_of_them_at_once(
    monkeypatch: pytest.MonkeyPatch, clean: Path, lake: Path
) -> None:
    """A fetch stores every second or so: a window that it replaces in several steps keeps its count of events."""
    shutil.copytree(clean, lake)
    writes = []
    replace_window = Lake.replace_window

    def count_writes(self: Lake, exchange: str, symbol: str, source: str, covered: Any, rows: Any) -> None:
        writes.append([item.window for item in covered])
        replace_window(self, exchange, symbol, source, covered, rows)

    monkeypatch.setattr(Lake, "replace_window", count_writes)
    monkeypatch.setattr(Writer, "is_full", lambda _writer: True)
    with gate_server() as server:
        point(monkeypatch, gate=server.url)
        fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["gate"], again=True)
    assert len(writes) > 1
    assert known(lake) == known(clean)
    assert [events for _, _, events in known(lake)] != [None]
    assert data(lake) == data(clean)
    lose_rows(lake)
    assert len(verify_lake(Lake(lake), KNOWN_SOURCES).damage) == 1


def test_a_memory_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, clean: Path, lake: Path) -> None:
    """Without a readable fetch log, all stored months are fetched again."""
    shutil.copytree(clean, lake)
    memory_file(lake).write_text('{"version": 1, "win')
    said = run(["verify"], 5)
    (command,) = [line.partition("to do: ")[2] for line in said.splitlines() if "to do: " in line]
    words = shlex.split(command)
    since = words.index("--since") + 1
    assert words[since] == f"{WINDOW.start:%Y-%m}-01T00:00:00Z", "all of the month"
    words[since] = Window(WINDOW.start_us - 3 * HOUR_US, WINDOW.end_us).start.isoformat()  # 700 requests less
    with gate_server() as server:
        point(monkeypatch, gate=server.url)
        run(words[1:], 0)
    assert verify_lake(Lake(lake), KNOWN_SOURCES).issues == []
    held, whole = stored(lake, "BTCUSDT"), stored(clean, "BTCUSDT")
    assert {row: held[row] for row in held if WINDOW.contains(row[0])} == whole  # type: ignore[arg-type]
    assert not Lake(lake).read_fetch_log("gate", "BTCUSDT", "gate").missing(WINDOW)


def test_a_source_that_is_down_leaves_known_gaps(clean: Path, lake: Path) -> None:
    """The file was set aside, the source does not answer: nothing is believed to be there that is not."""
    shutil.copytree(clean, lake)
    cut(lake)
    run(["fetch", "--again", "--source", "gate", "--symbol", "BTCUSDT", *_flags(WINDOW)], 3)
    assert verify_lake(Lake(lake), KNOWN_SOURCES).issues == []
    assert Lake(lake).read_fetch_log("gate", "BTCUSDT", "gate").missing(WINDOW) == [WINDOW]
    assert known_eth(lake) == known_eth(clean), "the other symbol is as it was"


@pytest.mark.parametrize("broken", [gate_file, memory_file], ids=["data", "memory"])
def test_without_again_a_damaged_file_costs_its_own_symbol_alone(
    monkeypatch: pytest.MonkeyPatch, clean: Path, lake: Path, broken: Callable[[Path], Path]
) -> None:
    """An hour more of two symbols, one of them damaged: the other is stored, the file is left as it is and named."""
    shutil.copytree(clean, lake)
    broken(lake).write_bytes(b"{nothing")
    more = _flags(Window(WINDOW.start_us, WINDOW.end_us + HOUR_US))
    with gate_server() as server:
        point(monkeypatch, gate=server.url)
        said = run(["fetch", "--source", "gate", "--symbol", "BTCUSDT,ETHUSDT", *more], 6)
        alone = run(["fetch", "--source", "gate", "--symbol", "BTCUSDT", *more, "--quiet"], 5)
    assert broken(lake).read_bytes() == b"{nothing"
    assert Lake(lake).read_fetch_log("gate", "ETHUSDT", "gate").missing(WINDOW) == []
    assert sum(stored(lake, "ETHUSDT").values()) > sum(stored(clean, "ETHUSDT").values())
    for text in (said, alone):
        (warning,) = [line for line in text.splitlines() if "warning" in line]
        assert warning.startswith(f"liqcli: warning: gate BTCUSDT: {broken(lake)}: ")
        assert warning.endswith("; run liqcli verify for details")


def test_again_takes_what_the_source_says_now(monkeypatch: pytest.MonkeyPatch, clean: Path, lake: Path) -> None:
    """Windows that are complete are asked all the same, and the new answer replaces the old one inside them alone."""
    shutil.copytree(clean, lake)
    inner = Window(WINDOW.start_us + 3 * HOUR_US, WINDOW.end_us)
    before = stored(lake, "BTCUSDT")
    with GateServer({"BTC_USDT": []}, {"BTC_USDT": "0.0001"}) as server:
        point(monkeypatch, gate=server.url)
        fetch(Lake(lake), inner, ["BTCUSDT"], ["gate"])
        assert server.asked == []
        fetch(Lake(lake), inner, ["BTCUSDT"], ["gate"], again=True)
        asked = [params["from"] for _, params, *_ in server.paths("liq_orders")]
        assert (len(asked), len(set(asked))) == (6, 3), "three hours; that nothing came has to be said twice"
    kept = {row: count for row, count in before.items() if not inner.contains(row[0])}  # type: ignore[arg-type]
    assert stored(lake, "BTCUSDT") == kept
    assert verify_lake(Lake(lake), KNOWN_SOURCES).issues == []


@pytest.mark.slow
def test_candles(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """A damaged file of candles is reported with its command, and fetched again from the same exchange."""
    with BinanceMarket() as server:
        monkeypatch.setenv("LIQCLI_URL_BINANCE", server.url)
        monkeypatch.setenv("LIQCLI_RATE_BINANCE", "unlimited")
        words = ["--kind", "candles", "--exchange", "binance", "--symbol", "BTCUSDT", *_flags(WINDOW)]
        run(["fetch", *words], 0)
        (path,) = lake.rglob("candles/**/*.parquet")
        whole = path.read_bytes()
        path.write_bytes(whole[:100])
        said = run(["verify"], 5)
        command = said.partition("to do: ")[2].splitlines()[0]
        assert command.startswith(
            "liqcli fetch --again --kind candles --interval 1m --exchange binance --symbol BTCUSDT"
        )
        run(["fetch", "--again", *words], 0)
        assert path.read_bytes() == whole
        path.write_bytes(whole[:100])
        run(command, 0)  # all of the month up to now
        assert verify_lake(Lake(lake), KNOWN_SOURCES).damage == []  # the server's prices jump
        with path.open("rb") as handle:
            assert len(pq.read_table(handle)) > 300
    assert len(list(lake.rglob("damaged/**/*.parquet"))) == 2


def known_eth(lake: Path) -> str:
    return (lake / "windows/exchange=gate/symbol=ETHUSDT/gate.json").read_text()


def _flags(window: Window) -> list[str]:
    return ["--since", window.start.isoformat(), "--until", window.end.isoformat()]
