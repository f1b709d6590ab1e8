"""Product table of bad input: each row gets its message, its exit code, and leaves the lake as it was."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import RunCli

pytestmark = pytest.mark.usefixtures("empty_pictures")

HEADER = "ts,exchange,symbol,position,price,qty\n"
GOOD = "2026-03-02T10:00:00Z,gate,SOLUSDT,long,100,2\n"


def snapshot(lake: Path) -> dict[str, str]:
    """Every data file of a lake with its hash; what was refused and the lock are not data."""
    return {
        str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(lake.rglob("*"))
        if path.is_file() and path.relative_to(lake).parts[0] in ("liquidations", "windows", "candles", "open_interest")
    }


@pytest.fixture
def filled(imported: Callable[[str, Path], Path], lake: Path) -> Path:
    """A lake with one event of SOLUSDT on gate."""
    return imported(HEADER + GOOD, lake)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--symbol", "SOLUSTD"), ("unknown symbol 'SOLUSTD'", "did you mean SOLUSDT")),
        (("--symbol", "SOL/USDT"), ("spot", "nothing is liquidated", "SOLUSDT")),
        (("--symbol", "SOLUSDT", "--exchange", "gat"), ("unknown exchange 'gat'", "did you mean gate")),
        (("--symbol", "SOLUSDT", "--theme", "dork"), ("--theme", "auto, dark or light")),
        (("--symbol", "SOLUSDT", "--scale", "lag"), ("--scale", "did you mean log")),
        (("--symbol", "SOLUSDT", "--palette", "majma"), ("--palette", "did you mean magma")),
        (("--symbol", "SOLUSDT", "--by", "usd"), ("--by", "notional, count or qty")),
        (("--symbol", "SOLUSDT", "--position", "buy"), ("--position", "long, short or both")),
        (("--symbol", "SOLUSDT", "--lookback", "24"), ("'24' is not a length of time", "24h")),
        (("--symbol", "SOLUSDT", "--bucket", "0m"), ("--bucket",)),
        (("--symbol", "SOLUSDT", "--bin", "-1"), ("--bin", "greater than 0")),
        (("--symbol", "SOLUSDT", "--bin", "nan"), ("--bin",)),
        (("--symbol", "SOLUSDT", "--bin", "1", "--bins", "9"), ("--bin and --bins cannot be combined",)),
        (("--symbol", "SOLUSDT", "--since", "yestreday"), ("--since", "2026-03-31T08:00Z")),
        (
            ("--symbol", "SOLUSDT", "--since", "2026-03-03", "--until", "2026-03-02"),
            ("--since must lie before --until",),
        ),
        (("--symbol", "SOLUSDT", "--since", "2001-01-01"), ("before 2015",)),
        (("--symbol", "SOLUSDT", "--price-range", "9:3"), ("--price-range",)),
        (("--symbol", "../../etc/passwd"), ("symbol",)),
        (("--symbol", "<script>alert(1)</script>"), ("symbol",)),
        (("--symbol", '"; DROP TABLE x'), ("symbol",)),
    ],
)
def test_a_wrong_word_gets_the_nearest_right_ones(
    filled: Path, run_cli: RunCli, tmp_path: Path, flags: tuple[str, ...], words: tuple[str, ...]
) -> None:
    before = snapshot(filled)
    done = run_cli("heatmap", *flags, "-o", tmp_path / "r.html", check=2)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "r.html").exists()
    assert snapshot(filled) == before


@pytest.mark.parametrize(("name", "words"), [("r.gif", "did you mean"), ("r", "cannot write 'r'"), ("", "is a folder")])
def test_an_output_nobody_can_write_is_refused_first(
    filled: Path, run_cli: RunCli, tmp_path: Path, name: str, words: str
) -> None:
    folder = tmp_path / "out.html"
    folder.mkdir()
    done = run_cli("heatmap", "-s", "SOLUSDT", "-o", folder / name if name else folder, check=2)
    assert words in done.stderr


@pytest.mark.parametrize("words", [("--help",), ("sources",)])
def test_a_full_disk_behind_stdout_is_one_line(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "liqcli", *words], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (2, "liqcli: stdout: No space left on device\n")


def test_a_reader_that_goes_away_is_no_fault() -> None:
    command = f"set -o pipefail; {sys.executable} -m liqcli sources --format json | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[", "")


def test_a_screen_without_unicode_gets_question_marks(run_cli: RunCli) -> None:
    done = run_cli("clusters", "--help", env={"PYTHONIOENCODING": "ascii"}, cold=True, check=0)
    assert "SOL/USDT:USDT ?; SOL means every contract on SOL" in " ".join(done.stdout.replace("|", " ").split())


@pytest.mark.parametrize(
    ("flags", "words", "code"),
    [
        (("-s", "SOLUSTD"), "did you mean SOLUSDT", 2),
        (("-s", "SOLUSDT", "--palette", "majma"), "did you mean magma", 2),
        (("-s", "SOLUSDT", "--bin", "-1"), "--bin", 2),
        (("-s", "SOLUSDT", "--until", "2026-01-01"), "no liquidations of SOLUSDT", 4),
    ],
)
def test_a_mistake_is_reported_without_output_names(
    filled: Path, run_cli: RunCli, tmp_path: Path, flags: tuple[str, ...], words: str, code: int
) -> None:
    assert words in run_cli("heatmap", *flags, check=code).stderr
    assert not list(tmp_path.glob("*.html"))


def test_a_foreign_file_of_the_default_name_is_kept(filled: Path, run_cli: RunCli, tmp_path: Path) -> None:
    words = ("heatmap", "-s", "SOL", "--until", "latest", "--lookback", "1h")
    page = tmp_path / "SOL-1h.html"
    page.write_text("<html>mine</html>")
    done = run_cli(*words, check=2)
    assert done.stderr == ("liqcli: SOL-1h.html exists and was not written by liqcli; choose another name with -o\n")
    assert page.read_text() == "<html>mine</html>"


def test_a_window_without_data_says_what_is_held_and_what_to_run(filled: Path, run_cli: RunCli, tmp_path: Path) -> None:
    done = run_cli(
        "heatmap", "-s", "SOLUSDT", "--since", "2026-04-01", "--until", "2026-04-02", "-o", tmp_path / "r.md", check=4
    )
    assert "1 events from 2026-03-02 10:00 to 2026-03-02 10:00" in done.stderr
    assert "liqcli fetch --symbol SOLUSDT --since 2026-04-01T00:00:00Z --until 2026-04-02T00:00:00Z" in done.stderr
    assert list(tmp_path.glob("r.*")) == []
    other = run_cli("heatmap", "-s", "ETHUSDT", "-o", tmp_path / "r.md", check=4)
    assert "it holds SOLUSDT" in other.stderr
    assert "liqcli fetch --symbol ETHUSDT" in other.stderr


MALFORMED = (
    "2026-03-02T10:00:01Z,gate,SOLUSDT,long,abc,2",
    "2026-03-02T10:00:01Z,gate,SOLUSDT,long,100",
    "2026-03-02T10:00:01Z,gate,SOLUSDT,long,-100,2",
    "2026-03-02T10:00:01Z,gate,SOLUSDT,long,100,0",
    "2026-03-02T10:00:01Z,gate,SOLUSDT,long,nan,2",
    "2026-03-02T10:00:01Z,gate,SOLUSDT,long,inf,2",
    "2014-03-02T10:00:01Z,gate,SOLUSDT,long,100,2",
    "2026-03-02T10:00:01Z,gate,SOLUSDT,sideways,100,2",
    "2026-03-02T10:00:01Z,gate,../../SOL,long,100,2",
    "2026-03-02T10:00:01Z,../gate,SOLUSDT,long,100,2",
    "2026-03-02T10:00:01Z,gate,<script>,long,100,2",
)


def test_malformed_rows_are_kept_apart_with_line_and_reason(run_cli: RunCli, tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text(HEADER + GOOD + "\n".join(MALFORMED) + "\n" + GOOD.replace("10:00:00", "10:00:02"))
    done = run_cli("import", events, check=6)
    assert "2 stored" in done.stdout
    assert f"{len(MALFORMED)} rejected" in done.stdout
    (kept,) = (tmp_path / "lake" / "rejected").glob("*.jsonl")
    rejected = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [row["line"] for row in rejected] == [3 + number for number in range(len(MALFORMED))]
    assert all(row["reason"] for row in rejected)
    files = list((tmp_path / "lake" / "liquidations").rglob("*.parquet"))
    assert [str(p.relative_to(tmp_path / "lake")) for p in files] == [
        "liquidations/exchange=gate/symbol=SOLUSDT/month=2026-03/import.parquet"
    ]


def test_a_truncated_file_changes_nothing(filled: Path, run_cli: RunCli, tmp_path: Path) -> None:
    before = snapshot(filled)
    whole = gzip.compress((HEADER + GOOD * 1000).encode())
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(whole[: len(whole) // 2])
    done = run_cli("import", broken, check=5)
    assert "broken.csv.gz" in done.stderr
    assert snapshot(filled) == before


@pytest.mark.parametrize("damage", ["footer", "page"])
def test_a_damaged_file_of_the_lake_is_named_and_the_others_used(
    filled: Path, run_cli: RunCli, tmp_path: Path, damage: str
) -> None:
    more = tmp_path / "more.csv"
    more.write_text(
        HEADER + "".join(f"2026-03-02T10:{n % 60:02d}:01Z,okx,SOLUSDT,short,{99 + n % 7},1\n" for n in range(500))
    )
    run_cli("import", more, check=0)
    (victim,) = filled.glob("liquidations/exchange=okx/**/*.parquet")
    content = bytearray(victim.read_bytes())
    if damage == "footer":
        content = content[:-20]
    else:
        content[4:400] = b"\xff" * 396
    victim.write_bytes(bytes(content))
    out = tmp_path / "r.json"
    done = run_cli("heatmap", "-s", "SOLUSDT", "--since", "2026-03-02", "--until", "2026-03-03", "-o", out, check=6)
    assert str(victim) in done.stderr
    assert '"events":1,' in out.read_text()
    assert json.loads(out.read_text())["coverage"]["damaged"] == [victim.relative_to(filled).as_posix()]
    assert str(victim) in run_cli("status", check=5).stderr
    again = run_cli("import", more)
    assert again.exit_code == 5
    assert victim.read_bytes() == bytes(content)


def test_a_lake_that_cannot_be_written_is_one_line(run_cli: RunCli, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    events = tmp_path / "events.csv"
    events.write_text(HEADER + GOOD)
    done = run_cli("import", events, "--lake", blocked / "lake", check=5)
    assert "cannot write the lake" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert blocked.read_text() == "not a folder"


def test_a_missing_file_is_named(run_cli: RunCli, tmp_path: Path) -> None:
    assert "nowhere.csv: no such file" in run_cli("import", tmp_path / "nowhere.csv", check=2).stderr


def test_a_key_never_shows(run_cli: RunCli, tmp_path: Path) -> None:
    key = "TD.very-secret-0123456789"
    done = run_cli(
        "fetch", "--source", "tardis", "--symbol", "BTCUSDT", "--since", "2026-03-02", "--until", "2026-03-03",
        "--debug",
        env={"LIQCLI_KEY_TARDIS": key, "LIQCLI_URL_TARDIS": "http://127.0.0.1:9", "LIQCLI_RATE_TARDIS": "unlimited"},
    )  # fmt: skip
    assert done.exit_code == 3
    assert key not in done.stdout + done.stderr
    lake = tmp_path / "lake"
    assert not any(key in path.read_text(errors="replace") for path in lake.rglob("*") if path.is_file())


@pytest.mark.parametrize("command", ["fetch", "heatmap", "clusters", "cascades"])
def test_a_start_and_a_lookback_exclude_each_other(run_cli: RunCli, command: str) -> None:
    """Neither is ignored in silence; the end that was meant is worked out: 4 h after 08:30 UTC."""
    symbol = () if command == "fetch" else ("--symbol", "SOLUSDT")
    out = ("-o", "r.html") if command == "heatmap" else ()
    done = run_cli(command, *symbol, *out, "--since", "2026-03-02T10:30+02:00", "--lookback", "4h", check=2)
    assert "--since and --lookback cannot be combined" in done.stderr
    assert done.stderr.rstrip().endswith("--since 2026-03-02T10:30+02:00 --until 2026-03-02T12:30:00Z")
    done = run_cli(command, *symbol, *out, "--since", "2026-03-02", "--lookback", "4 hours", check=2)
    assert "'4 hours' is not a length of time" in done.stderr
