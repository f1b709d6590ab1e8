"""Names that have a history and a stream work for both; a stream's own name leads to the right command."""

from __future__ import annotations

import pytest

from liqcli.core.errors import UsageError
from liqcli.core.symbols import EXCHANGES, LIVE
from liqcli.sources.registry import (
    LIVE_SOURCES,
    RECORDED_BY_DEFAULT,
    SOURCES,
    check_source,
    list_recorded,
    load_live_source,
    load_source,
)

BOTH = sorted(set(list_recorded()) & set(SOURCES))


@pytest.mark.parametrize("name", BOTH)
def test_a_history_and_a_stream_have_one_name_and_are_kept_apart(name):
    assert check_source(name) == load_source(name).name == name
    source = load_live_source(name)
    assert (source.exchange, source.name) == (name, name + LIVE)


@pytest.mark.parametrize("name", sorted(set(list_recorded()) - set(SOURCES)))
def test_a_stream_alone_has_the_name_of_its_exchange(name):
    assert load_live_source(name).name == name
    with pytest.raises(UsageError, match=f"{name} is a live stream: liqcli record --exchange {name}; for recordings"):
        check_source(name)


def test_the_name_of_a_stream_is_understood():
    assert load_live_source(" OKX-live ").name == "okx-live"
    with pytest.raises(UsageError, match=r"okx-live is a live stream.*for its history: liqcli fetch --exchange okx"):
        check_source("okx-live")


@pytest.mark.parametrize("name", LIVE_SOURCES)
def test_a_stream_is_registered_under_its_own_name(name):
    source = load_live_source(name)
    assert source.name == name
    assert source.exchange in EXCHANGES
    assert source.url.startswith("wss://")
    assert not source.needs_list or (source.contract_list and source.bind)


def test_what_is_recorded_by_default_has_no_history():
    assert set(RECORDED_BY_DEFAULT) <= set(list_recorded()) - set(SOURCES)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("deribit", r"live .* gate, coinex, poloniex\); for its history: liqcli fetch --exchange deribit"),
        ("hyperliquid", "cannot be recorded live"),
        ("krakn", "unknown exchange 'krakn'; did you mean kraken"),
    ],
)
def test_exchanges_without_a_stream(name, said):
    with pytest.raises(UsageError, match=said):
        load_live_source(name)
