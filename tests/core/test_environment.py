"""Environment variables and defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from liqcli.core import environment
from liqcli.core.errors import UsageError


def test_lake_is_the_option_then_the_variable_then_the_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LIQCLI_LAKE", "~/mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert environment.lake_root(Path("~/other")) == tmp_path / "other"
    assert environment.lake_root(None) == tmp_path / "mine"
    monkeypatch.delenv("LIQCLI_LAKE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert environment.lake_root(None).parts[-2:] == ("liqcli", "lake")


def test_source_url(monkeypatch):
    assert environment.source_url("gate", "https://api.example/") == "https://api.example"
    monkeypatch.setenv("LIQCLI_URL_BINANCE_VISION", "http://127.0.0.1:8080/")
    assert environment.source_url("binance-vision", "https://x") == "http://127.0.0.1:8080"
    for bad in ("", "ftp://x", "127.0.0.1:80", "http:/x", "//x"):
        monkeypatch.setenv("LIQCLI_URL_GATE", bad)
        with pytest.raises(UsageError, match=r"LIQCLI_URL_GATE: .* is not an http:// or https:// address"):
            environment.source_url("gate", "https://x")


def test_source_key(monkeypatch):
    assert environment.source_key("tardis") is None
    monkeypatch.setenv("LIQCLI_KEY_TARDIS", "")
    assert environment.source_key("tardis") is None
    monkeypatch.setenv("LIQCLI_KEY_BINANCE_VISION", "k")
    assert environment.source_key("binance-vision") == "k"


def test_source_rate(monkeypatch):
    assert environment.source_rate("gate") is None
    for text, rate in (("60", 60), ("0.5", 0.5), (" Unlimited ", float("inf"))):
        monkeypatch.setenv("LIQCLI_RATE_GATE", text)
        assert environment.source_rate("gate") == rate
    for bad in ("", "0", "-1", "nan", "fast"):
        monkeypatch.setenv("LIQCLI_RATE_GATE", bad)
        with pytest.raises(UsageError, match="LIQCLI_RATE_GATE"):
            environment.source_rate("gate")


def test_threads(monkeypatch):
    assert environment.engine_threads() is None
    monkeypatch.setenv("LIQCLI_THREADS", "4")
    assert environment.engine_threads() == 4
    for bad in ("", "0", "-1", "two", "1.5"):
        monkeypatch.setenv("LIQCLI_THREADS", bad)
        with pytest.raises(UsageError, match=r"LIQCLI_THREADS: .* is not a positive number"):
            environment.engine_threads()
