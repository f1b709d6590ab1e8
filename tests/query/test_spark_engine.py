"""The engine on a cluster: what it answers when something is missing, and where it looks for files."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

import liqcli
from liqcli.core.environment import engine_settings
from liqcli.core.errors import LakeError, SourceError, UsageError
from liqcli.core.settings import EngineSettings
from liqcli.lake.inventory import LAKE_COLUMNS
from liqcli.query import spark_engine
from liqcli.query.duckdb_engine import DuckDBEngine

pytest.importorskip("pyspark", reason="pyspark-client is not installed: make setup installs it")

WINDOW = {"lookback": "24h", "until": "latest"}


def open_whole(engine, files) -> None:
    engine.open_files("stored", files, LAKE_COLUMNS)
    engine.open_subset("whole_files", files)
    engine.create_view("liquidations", "select_whole_files", {"position": "both", "min_notional": 0.0})


def list_files(root: Path) -> list[Path]:
    return sorted((root / "liquidations").glob("exchange=*/symbol=BTCUSDT/month=*/*.parquet"))


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with pytest.raises(
        UsageError,
        match=r"^--engine sc://h:1: the package sqlglot is not installed; run: pip install 'liqcli\[spark\]'$",
    ):
        spark_engine.SparkEngine(EngineSettings("sc://h:1"), Path("/"))


def test_a_server_that_does_not_answer_is_named(monkeypatch) -> None:
    monkeypatch.setattr(spark_engine, "CONNECT_TIMEOUT_S", 0.2)
    with pytest.raises(SourceError, match=r"^engine sc://127\.0\.0\.1:9: no Spark Connect server answers$"):
        spark_engine.SparkEngine(EngineSettings("sc://127.0.0.1:9/;user_id=me"), Path("/"))


def test_an_address_with_an_unknown_part_is_rejected() -> None:
    with pytest.raises(UsageError, match=r"^--engine sc://h:1/path: "):
        spark_engine.SparkEngine(EngineSettings("sc://h:1/path"), Path("/"))


def test_the_option_overrides_the_variable_and_the_variable_the_settings(monkeypatch, tmp_path) -> None:
    settings = tmp_path / "liqcli.toml"
    settings.write_text('[engine]\naddress = "sc://set:1"\nlake = "s3a://bucket/lake/"\n[keys]\nspark = "secret"\n')
    monkeypatch.setenv("LIQCLI_CONFIG", str(settings))
    assert engine_settings(None) == EngineSettings("sc://set:1", "s3a://bucket/lake", "secret")
    assert "secret" not in repr(engine_settings(None))
    monkeypatch.setenv("LIQCLI_ENGINE", "sc://variable:2")
    assert engine_settings(None).address == "sc://variable:2"
    assert engine_settings("sc://option:3").address == "sc://option:3"
    assert engine_settings("duckdb") is None


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("spark://h:7077", r"^--engine: 'spark://h:7077' is neither duckdb nor sc://HOST:PORT$"),
        ("sc://h:1/;token=abc", r"^--engine: put the token into LIQCLI_KEY_SPARK or, as spark, into \[keys\]"),
    ],
)
def test_other_addresses_are_rejected(address, message) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        engine_settings(address)
    assert "abc" not in str(raised.value)


def test_values_are_bound_not_pasted(sail, sample) -> None:
    """A position that would end the string and the statement selects nothing."""
    with spark_engine.SparkEngine(EngineSettings(sail), sample) as engine:
        open_whole(engine, list_files(sample))
        engine.create_view(
            "liquidations", "select_whole_files", {"position": "x' OR '1' = '1", "min_notional": 0.0}
        )  # fmt: skip
        assert engine.run("price_kinds")["events"].tolist() == []


def test_files_are_found_at_the_path_of_the_workers_and_in_folders_with_odd_names(sail, sample, tmp_path) -> None:
    """The lake of the workers is a copy; the names stay those of here."""
    there = tmp_path / "a b é"
    shutil.copytree(sample, there)
    files = list_files(sample)
    with spark_engine.SparkEngine(EngineSettings(sail, str(there)), sample) as far, DuckDBEngine() as near:
        for engine in (far, near):
            engine.open_files("stored_market", files, ("ts",))
        found, wanted = far.run("market_range"), near.run("market_range")
    assert {name: column.tolist() for name, column in found.items()} == {n: c.tolist() for n, c in wanted.items()}
    assert found["filename"].tolist() == [str(path) for path in files]


def test_a_lake_whose_path_would_be_a_pattern_is_rejected() -> None:
    with pytest.raises(UsageError, match=r"the lake's path /a\[b\] must not hold any of"):
        spark_engine.SparkEngine(EngineSettings("sc://h:1"), Path("/a[b]"))


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "other"])
def test_a_cluster_with_other_files_is_not_believed(sail, sample, tmp_path, missing) -> None:
    """Of two files, the workers lack one, or have another of the same name."""
    there = shutil.copytree(sample, tmp_path / "there")
    first, second = list_files(sample)[:2]
    place = there / second.relative_to(sample)
    place.unlink()
    if not missing:
        shutil.copy(first, place)
    with spark_engine.SparkEngine(EngineSettings(sail, str(there)), sample) as engine:
        message = (
            rf"{re.escape(str(place))} has {'0' if missing else '1,273'} rows on the workers, but .* has 1,911 here"
        )
        with pytest.raises(SourceError, match=message):
            open_whole(engine, [first, second])


def test_a_replaced_file_stops_the_run(sail, sample, tmp_path) -> None:
    lake = Path(shutil.copytree(sample, tmp_path / "copy"))
    heatmap = liqcli.Lake(lake, engine=sail).heatmap("BTCUSDT", **WINDOW)
    path = list_files(lake)[0]
    os.utime(path, ns=(0, 0))
    with pytest.raises(LakeError, match="replaced by another process"):
        heatmap.save(tmp_path / "a.json")
    heatmap.results.data.engine.close()
