"""The Python API gives what the command line gives; docs/python.md runs."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from factories import fill_lake, make_liquidation

import liqcli
from liqcli.core.errors import EmptyWindowError, SourceError, UsageError
from liqcli.sources.registry import SOURCES

pytestmark = pytest.mark.usefixtures("empty_pictures")

DOCS = Path(__file__).resolve().parent.parent / "docs"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", (DOCS / "python.md").read_text(encoding="utf-8"), re.M | re.S)
HOUR_US = 3_600_000_000
START_US = 1_767_225_600_000_000  # 2026-01-01T00:00Z


@pytest.mark.slow
def test_every_example_of_the_docs_runs(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(EXAMPLES) >= 6
    monkeypatch.setenv("LIQCLI_LAKE", str(sample))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for example in EXAMPLES:
        exec(compile(example, "docs/python.md", "exec"), names)
    assert names["lake"].symbols == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} >= {"report.html", "map.png", "grid.parquet"}
    usd = {row["position"]: row["usd"] for row in names["by_side"].to_pylist()}
    assert set(usd) == {"long", "short"}


def test_the_example_analysis_runs(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own assertion compares the report with SQL."""
    monkeypatch.setenv("LIQCLI_LAKE", str(sample))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(DOCS / "example_analysis.py"), run_name="__main__")
    assert capsys.readouterr().out.startswith("<Heatmap BTCUSDT ")
    assert {path.name for path in tmp_path.iterdir()} >= {"btc.html", "btc.png", "btc.parquet"}


def test_import_loads_nothing_heavy() -> None:
    code = (
        "import liqcli, sys; print(liqcli.__version__, {'duckdb', 'pyarrow', 'numpy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{liqcli.__version__} set()"


@pytest.mark.drawn
def test_a_heatmap_saves_what_the_command_writes(sample: Path, tmp_path: Path, run_cli: Any) -> None:
    m = liqcli.Lake(sample).heatmap("SOLUSDT", until="latest", bin="0.5")
    m.save(tmp_path / "api.json", tmp_path / "api.parquet", tmp_path / "api.png")
    names = [tmp_path / f"cli.{ending}" for ending in ("json", "parquet", "png")]
    flags = [word for name in names for word in ("-o", str(name))]
    done = run_cli(
        "heatmap", "-s", "SOLUSDT", "--until", "latest", "--bin", "0.5", *flags, env={"LIQCLI_LAKE": str(sample)}
    )
    assert done.exit_code == 0, done.stderr
    for name in names:
        assert name.read_bytes() == (tmp_path / f"api{name.suffix}").read_bytes()
    assert m._repr_png_() == (tmp_path / "api.png").read_bytes()
    assert m.to_arrow().num_rows == pq.read_table(tmp_path / "api.parquet").num_rows
    assert m.figure().bbox.size.tolist() == [1600.0, 1000.0]
    assert repr(m).startswith("<Heatmap SOLUSDT 20")


def test_fetch_asks_for_all_kinds_as_the_command_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No source can be reached: nothing is stored, each kind has its row and its reason, the exit code is 3."""
    for name in (*SOURCES, "binance", "bybit"):
        monkeypatch.setenv(f"LIQCLI_URL_{name.upper().replace('-', '_')}", "http://127.0.0.1:9")
        monkeypatch.setenv(f"LIQCLI_RATE_{name.upper().replace('-', '_')}", "unlimited")
    lake = liqcli.Lake(tmp_path / "lake")
    received = []
    result = lake.fetch("SOLUSDT", lookback="1h", exchanges="gate", on_liquidations=received.append)
    assert [(row.source, row.symbol, row.result) for row in result.rows] == [("gate", "SOLUSDT", "failed")]
    assert [(row.kind, row.symbol, row.result) for row in result.market] == [
        ("candles", "SOLUSDT", "failed"),
        ("open-interest", "SOLUSDT", "failed"),
    ]
    assert received == [result.liquidations]
    assert result.exit_code == 3
    assert ("gate: cannot be reached: Connection refused (127.0.0.1)", True) in result.messages()
    assert {row["kind"] for row in result.to_dict()["market"]} == {"candles", "open-interest"}
    assert lake.fetch("SOLUSDT", lookback="1h", sources="gate").market == (), "sources are sources of liquidations"
    only = lake.fetch("SOLUSDT", lookback="1h", exchanges="gate", kinds="candles")
    assert (only.liquidations, [row.kind for row in only.market]) == (None, ["candles"])
    with pytest.raises(SourceError, match="nothing could be fetched"):
        lake.heatmap("SOLUSDT", lookback="1h", exchanges="gate", fetch=True)
    with pytest.raises(UsageError, match="invalid --kind 'candle'"):
        lake.fetch("SOLUSDT", kinds="candle")


def test_status_and_verify(sample: Path) -> None:
    lake = liqcli.Lake(sample)
    status = lake.status()
    assert {row.kind for row in status.rows} == {"liquidations", "candles 1m", "open-interest"}
    assert (status.damaged, status.overlaps) == ((), [])
    assert status.to_dict()[0]["exchange"] == status.rows[0].exchange
    assert not lake.verify().damage
    assert list(lake.move_dated()) == []


def test_wrong_values_are_usage_errors(sample: Path) -> None:
    lake = liqcli.Lake(sample)
    for wrong in (
        {"bin": 0.5, "bins": 3},
        {"position": "up"},
        {"exchanges": "binanse"},
        {"since": "2026-01-05", "lookback": "1h"},
    ):
        with pytest.raises(UsageError):
            lake.heatmap("SOLUSDT", **wrong)  # type: ignore[arg-type]
    with pytest.raises(EmptyWindowError):
        lake.heatmap("SOLUSDT", since="2020-01-01", until="2020-01-02")


def test_an_unknown_picture_or_section_names_the_known_ones(sample: Path) -> None:
    m = liqcli.Lake(sample).heatmap("SOLUSDT", lookback="1h", until="latest")
    with pytest.raises(UsageError, match="choose heatmap, heatmap-portrait, cascades, cumulative or open-interest"):
        m.figure("unknown")
    with pytest.raises(UsageError, match=r"invalid section 'cluster' \(choose meta, .*did you mean clusters"):
        m.sections("cluster")


def two_sources(root: Path) -> None:
    """Gate itself has 4 events of 100 USD in two hours; a sampled feed has 3 in those and the hour before."""
    full = [make_liquidation(START_US + HOUR_US + k * HOUR_US // 2, source="gate") for k in range(4)]
    some = [make_liquidation(START_US + k * HOUR_US, source="tardis", completeness="sampled") for k in range(3)]
    end_us = START_US + 3 * HOUR_US
    logs = {
        ("gate", "SOLUSDT", "gate"): [(START_US + HOUR_US, end_us)],
        ("gate", "SOLUSDT", "tardis"): [(START_US, end_us)],
    }
    fill_lake(root, [*full, *some], logs)


def test_sql_counts_each_instant_once_as_the_report_does(tmp_path: Path) -> None:
    """Four events of the full source and the sampled feed's first hour, which only it covers: 5 events, not 7."""
    two_sources(tmp_path)
    lake = liqcli.Lake(tmp_path)
    symbol = lake.symbols[0]
    m = lake.heatmap(symbol, since="2026-01-01T00:00Z", until="2026-01-01T03:00Z")
    [row] = lake.sql("SELECT count(*) AS events, sum(notional) AS usd FROM liquidations").to_pylist()
    assert row["events"] == 5 == m.report["meta"]["events"]
    assert row["usd"] == pytest.approx(m.report["meta"]["notional"], rel=1e-12)
    sources = lake.sql("SELECT source, count(*) AS n FROM liquidations GROUP BY source ORDER BY source").to_pylist()
    assert sources == [{"source": "gate", "n": 4}, {"source": "tardis", "n": 1}]


def test_views_of_an_empty_lake_have_no_rows(tmp_path: Path) -> None:
    lake = liqcli.Lake(tmp_path / "none")
    for view in ("liquidations", "candles", "open_interest"):
        assert lake.sql(f"SELECT * FROM {view}").num_rows == 0


@pytest.mark.parametrize(
    "statement",
    ["DROP VIEW liquidations", "SELECT 1; SELECT 2", "COPY (SELECT 1) TO 'x.csv'", "SELEC", "", "ATTACH 'x.db'"],
)
def test_only_one_select_is_run(statement: str, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        liqcli.Lake(sample).sql(statement)
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_the_command_prints_and_writes_rows(sample: Path, tmp_path: Path, run_cli: Any) -> None:
    query = "SELECT symbol, count(*) AS n, max(ts) AS last FROM liquidations GROUP BY symbol ORDER BY symbol"
    done = run_cli("sql", query, "--format", "json", env={"LIQCLI_LAKE": str(sample)})
    rows = json.loads(done.stdout)
    assert [row["symbol"] for row in rows] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert rows[0]["last"].endswith("Z")
    table = run_cli("sql", query, env={"LIQCLI_LAKE": str(sample)}).stdout.splitlines()
    assert table[0].split() == ["symbol", "n", "last"]
    out = tmp_path / "rows.parquet"
    assert run_cli("sql", query, "-o", str(out), env={"LIQCLI_LAKE": str(sample)}).exit_code == 0
    assert pq.read_table(out).column("n").to_pylist() == [row["n"] for row in rows]
    binary = run_cli("sql", query, "--format", "parquet", env={"LIQCLI_LAKE": str(sample)})
    assert (binary.exit_code, binary.stdout[:4], binary.stdout[-4:]) == (0, "PAR1", "PAR1")
    same = 'SELECT 1 AS ts, 2 AS ts, 3 AS ts_1, 4 AS "TS" '
    assert run_cli("sql", same, env={"LIQCLI_LAKE": str(sample)}).stdout == "ts  ts_2  ts_1  TS\n 1     2     3   4\n"
    assert run_cli("sql", same + "WHERE false", env={"LIQCLI_LAKE": str(sample)}).stdout == "ts  ts_2  ts_1  TS\n"
    assert run_cli("sql", "SELEC", env={"LIQCLI_LAKE": str(sample)}).exit_code == 2
