"""Dated snapshots of margin tiers: what a window may use."""

from factories import DAY, T0

from liqcli.core.margin_tiers import MarginTier, find_tier_fault
from liqcli.lake.margin_tiers import find_margin_tiers, list_tier_days, write_margin_tiers
from liqcli.lake.store import Lake

SMALL, LARGE = MarginTier("BTCUSDT", 0.0, 0.004, 0.0, 150.0), MarginTier("BTCUSDT", 3e5, 0.005, 300.0, 100.0)
STRICTER = MarginTier("BTCUSDT", 0.0, 0.01, 0.0, 50.0)
OTHER = MarginTier("ETHUSDT", 0.0, 0.005, 0.0, 100.0)


def test_the_last_snapshot_before_the_end_counts(tmp_path):
    lake = Lake(tmp_path)
    write_margin_tiers(lake, "binance", T0, [LARGE, SMALL])
    write_margin_tiers(lake, "binance", T0 + 10 * DAY, [STRICTER])
    for end_us, expected, ts_us in (
        (T0 + 5 * DAY, (SMALL, LARGE), T0),
        (T0 + 10 * DAY, (STRICTER,), T0 + 10 * DAY),
        (T0 - 3 * DAY, (SMALL, LARGE), T0),  # none before: the nearest later one
    ):
        found, damaged = find_margin_tiers(lake, "binance", "BTCUSDT", end_us)
        assert (found.tiers, found.ts_us, damaged) == (expected, ts_us, [])
    assert find_margin_tiers(lake, "binance", "SOLUSDT", T0) == (None, [])
    assert find_margin_tiers(lake, "bybit", "BTCUSDT", T0) == (None, [])


def test_a_snapshot_later_on_the_last_day_is_not_used(tmp_path):
    lake = Lake(tmp_path)
    write_margin_tiers(lake, "binance", T0, [SMALL])
    write_margin_tiers(lake, "binance", T0 + DAY + 7_200_000_000, [STRICTER])
    found, _ = find_margin_tiers(lake, "binance", "BTCUSDT", T0 + DAY + 3_600_000_000)
    assert found.tiers == (SMALL,)


def test_a_second_snapshot_of_a_day_keeps_other_contracts(tmp_path):
    lake = Lake(tmp_path)
    write_margin_tiers(lake, "binance", T0, [SMALL, OTHER])
    write_margin_tiers(lake, "binance", T0 + 1, [STRICTER])
    assert find_margin_tiers(lake, "binance", "BTCUSDT", T0 + DAY)[0].tiers == (STRICTER,)
    assert find_margin_tiers(lake, "binance", "ETHUSDT", T0 + DAY)[0].tiers == (OTHER,)
    assert len(list_tier_days(lake, "binance")) == 1


def test_a_damaged_snapshot_is_named_and_another_used(tmp_path):
    lake = Lake(tmp_path)
    write_margin_tiers(lake, "binance", T0, [SMALL])
    path = write_margin_tiers(lake, "binance", T0 + DAY, [STRICTER])
    path.write_bytes(b"no Parquet")
    found, damaged = find_margin_tiers(lake, "binance", "BTCUSDT", T0 + 2 * DAY)
    assert (found.tiers, damaged) == ((SMALL,), [path])


def test_faults_of_tiers():
    assert find_tier_fault((SMALL, LARGE)) is None
    assert find_tier_fault((LARGE,)) == "the first tier does not start at 0"
    assert find_tier_fault((STRICTER, LARGE)) == "floors and rates do not rise"
    assert find_tier_fault((SMALL._replace(rate=1.5),)) == "a rate, leverage or deduction is out of range"
    assert find_tier_fault((SMALL._replace(rate=0.4),)) == "a maintenance rate is above the initial margin"
    assert find_tier_fault(()) is not None
