"""The synthetic sample: made by its script, true to its own facts, and shaped like a market."""

import csv
import gzip
import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sample_data"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
TICK = {"BTCUSDT": Decimal("0.1"), "ETHUSDT": Decimal("0.01"), "SOLUSDT": Decimal("0.001")}


@cache
def read(name):
    with gzip.open(SAMPLE / name, "rt", encoding="ascii", newline="") as lines:
        return list(csv.DictReader(lines))


@cache
def candles(symbol):
    return {row["open_time_utc"][:16]: row for row in read(f"candles_1m_{symbol}.csv.gz")}


def minute_of(event):
    return candles(event["symbol"])[event["time_utc"][:16]]


def facts():
    return json.loads((SAMPLE / "facts.json").read_text(encoding="utf-8"))


def total(rows):
    return sum((Decimal(r["price"]) * Decimal(r["qty"]) for r in rows), Decimal(0))


@pytest.mark.soak  # make check compares the sample too
def test_the_script_makes_these_bytes_and_notices_others(tmp_path):
    """One look at a copy with one more file tells both: that one is named, and no other."""
    for path in SAMPLE.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "more.json").write_text("{}", encoding="utf-8")
    command = [sys.executable, str(ROOT / "scripts" / "make_sample.py"), "--check", "--out", str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 1
    assert answer.stderr == f"{tmp_path / 'more.json'}: differs from what the script makes\n"


def test_it_says_that_it_is_synthetic_and_is_small():
    assert (SAMPLE / "README.md").read_text(encoding="utf-8").splitlines()[0].startswith("SYNTHETIC")
    assert facts()["synthetic"] is True
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 3_000_000


def test_compressed_files_carry_no_time_and_no_name():
    for path in SAMPLE.glob("*.gz"):
        assert path.read_bytes()[3:8] == bytes(5), path.name  # flags (no name), then four bytes of time


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_facts_are_what_the_rows_add_up_to(symbol):
    rows = [r for r in read("liquidations.csv.gz") if r["symbol"] == symbol]
    said = facts()["symbols"][symbol]
    assert (said["events"], said["notional"]) == (len(rows), f"{total(rows):f}")
    assert (said["first"], said["last"]) == (rows[0]["time_utc"], rows[-1]["time_utc"])
    for key, field in (("positions", "position"), ("exchanges", "exchange")):
        assert set(said[key]) == {r[field] for r in rows}
        for name, part in said[key].items():
            own = [r for r in rows if r[field] == name]
            assert (part["events"], Decimal(part["notional"])) == (len(own), total(own)), (key, name)
            assert part["twins"] == len(own) - len({tuple(r.values()) for r in own})
    assert 1_500 < len(rows) < 8_000


def test_facts_of_the_whole_and_the_readme_agree():
    rows = read("liquidations.csv.gz")
    said = facts()
    assert (said["events"], Decimal(said["notional"])) == (len(rows), total(rows))
    assert f"{len(rows):,} events, {total(rows):,.2f} USD." in (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert said["twins"] == sum(n - 1 for n in Counter(tuple(r.values()) for r in rows).values()) > 20


def test_the_day_to_show_is_the_busiest():
    days = defaultdict(list)
    for row in read("liquidations.csv.gz"):
        days[row["time_utc"][:10]].append(row)
    assert len(days) == 7
    busiest = max(days, key=lambda day: total(days[day]))
    assert busiest == "2026-01-07"
    assert facts()["show_until"] == "2026-01-08T00:00:00.000Z"


def test_rows_are_in_order_and_inside_the_coverage():
    rows = read("liquidations.csv.gz")
    assert [r["time_utc"] for r in rows] == sorted(r["time_utc"] for r in rows)
    coverage = facts()["coverage"]
    assert all(any(a <= r["time_utc"] < b for a, b in coverage[r["exchange"]]) for r in rows)
    assert {e: len(ranges) for e, ranges in coverage.items()} == {
        "binance": 2,
        "bybit": 1,
        "gate": 1,
        "htx": 1,
        "okx": 1,
    }
    (_, stop), (again, _) = coverage["binance"]
    others = [r for r in rows if stop <= r["time_utc"] < again]
    assert len(others) > 20, "the gap must be the recorder's, not the market's"


def test_sampled_streams_never_show_two_events_within_a_second():
    last = {}
    for row in read("liquidations.csv.gz"):
        if row["completeness"] == "sampled":
            key, now = (row["exchange"], row["symbol"]), datetime.fromisoformat(row["time_utc"])
            assert key not in last or now - last[key] >= timedelta(seconds=1), row
            last[key] = now
    assert {exchange for exchange, _ in last} == {"binance", "okx"}


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize(("position", "sign"), [("long", -1), ("short", 1)])
def test_longs_go_in_falling_minutes_and_shorts_in_rising_ones(symbol, position, sign):
    with_it = Counter()
    for row in read("liquidations.csv.gz"):
        if row["symbol"] == symbol and row["position"] == position:
            minute = minute_of(row)
            with_it[(Decimal(minute["close"]) - Decimal(minute["open"])) * sign > 0] += 1
    assert with_it[True] / with_it.total() > 0.8


def test_fills_lie_in_their_candle_and_bankruptcy_prices_beyond():
    off = defaultdict(list)
    for row in read("liquidations.csv.gz"):
        minute, price = minute_of(row), Decimal(row["price"])
        low, high = Decimal(minute["low"]), Decimal(minute["high"])
        if row["price_kind"] == "fill":
            assert low * Decimal("0.9995") <= price <= high * Decimal("1.0005"), row
        elif row["position"] == "long":
            assert low * Decimal("0.992") <= price <= high * Decimal("0.998"), row
        else:
            assert low * Decimal("1.002") <= price <= high * Decimal("1.008"), row
        off[row["price_kind"], row["position"]].append(float(price / ((low + high) / 2)) - 1)
    middle = {key: sorted(values)[len(values) // 2] for key, values in off.items()}
    assert middle["bankruptcy", "long"] == pytest.approx(-0.005, abs=0.001)
    assert middle["bankruptcy", "short"] == pytest.approx(0.005, abs=0.001)
    assert abs(middle["fill", "long"]) < 0.001


def test_units_are_those_of_the_exchange():
    instruments, sizes = defaultdict(set), defaultdict(set)
    for row in read("liquidations.csv.gz"):
        instruments[row["exchange"]].add(row["instrument"])
        sizes[row["exchange"], row["symbol"]].add(row["contract_size"])
        assert Decimal(row["price"]) % TICK[row["symbol"]] == 0, row
        assert Decimal(row["qty"]) > 0, row
        if row["contract_size"]:
            assert Decimal(row["contracts"]) * Decimal(row["contract_size"]) == Decimal(row["qty"]), row
        else:
            assert row["contracts"] == "", row
        if row["exchange"] == "gate":
            assert row["time_utc"].endswith(".000Z"), row
    assert instruments["okx"] == {"BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP"}
    assert instruments["gate"] == {"BTC_USDT", "ETH_USDT", "SOL_USDT"}
    assert (sizes["okx", "ETHUSDT"], sizes["gate", "BTCUSDT"], sizes["bybit", "SOLUSDT"]) == ({"0.1"}, {"0.0001"}, {""})


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_candles_are_whole_and_consistent(symbol):
    rows = read(f"candles_1m_{symbol}.csv.gz")
    start = datetime.fromisoformat("2026-01-05T00:00:00Z")
    assert [datetime.fromisoformat(r["open_time_utc"]) for r in rows] == [
        start + timedelta(minutes=i) for i in range(10_080)
    ]
    for row in rows:
        o, h, low, c, volume = (Decimal(row[k]) for k in ("open", "high", "low", "close", "volume"))
        assert 0 < low <= min(o, c) <= max(o, c) <= h, row
        assert volume > 0, row


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_open_interest_is_whole_and_falls_with_the_cascade(symbol):
    rows = read(f"open_interest_5m_{symbol}.csv.gz")
    assert len(rows) == 2_016
    level = {r["time_utc"]: Decimal(r["open_interest_coins"]) for r in rows}
    before, after = level["2026-01-07T13:00:00.000Z"], level["2026-01-07T17:00:00.000Z"]
    assert after < before * Decimal("0.99")
    for row in rows:
        opened = Decimal(candles(symbol)[row["time_utc"][:16]]["open"])
        assert abs(Decimal(row["open_interest_coins"]) * opened - Decimal(row["open_interest_usd"])) <= Decimal("0.005")
