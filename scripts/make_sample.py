"""Make ``sample_data/``: a SYNTHETIC week of liquidations, candles and open interest, from a seed.

``python scripts/make_sample.py`` writes the folder; ``--check`` makes it again elsewhere and exits 1 where it differs.
What happens in the invented week is in ``sample_market.py``, what the exchanges tell of it in ``sample_exchanges.py``;
here are candles, open interest and the files.
"""

from __future__ import annotations

import argparse
import gzip
import io
import itertools
import json
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from sample_exchanges import GAP_EXCHANGE, GAP_MS, HABITS, MINUTE_MS, Row, publish, stamp
from sample_market import STEP_S, WEEK_S, Market, simulate

SEED = 20_260_105
OUT = Path(__file__).resolve().parent.parent / "sample_data"
HEADER = "time_utc,exchange,symbol,instrument,position,price,price_kind,qty,contracts,contract_size,completeness"
DAY_MS = 24 * 60 * MINUTE_MS
STEPS_A_MINUTE = 60 // STEP_S


class Book(NamedTuple):
    """Volume and open interest of a market: usual volume a minute, open interest at the start, decimals of both."""

    volume: float
    open_interest: float
    decimals: int


BOOKS = {
    "BTCUSDT": Book(88.0, 91_400.0, 3),
    "ETHUSDT": Book(2_150.0, 1_180_000.0, 3),
    "SOLUSDT": Book(17_400.0, 9_640_000.0, 2),
}


class Candle(NamedTuple):
    """One minute of a market in ticks of 0.1 or 0.01; volume in the coin."""

    open: int
    high: int
    low: int
    close: int
    volume: float


def build_candles(market: Market, rows: Sequence[Row], tick: Decimal, draw: random.Random) -> list[Candle]:
    """Sum the path and the fills up to minutes; the next minute opens a tick or two from the last close."""
    size = float(tick)
    path = [int(p / size + 0.5) for p in market.prices]
    fills: dict[int, list[int]] = defaultdict(list)
    forced: dict[int, float] = defaultdict(float)
    for row in rows:
        minute = row.ms // MINUTE_MS
        forced[minute] += float(row.qty)
        if row.price_kind == "fill":
            fills[minute].append(int(row.price / tick))
    usual, candles = BOOKS[market.shape.symbol].volume, []
    busy = 1.0
    for minute in range(WEEK_S // 60):
        steps = path[minute * STEPS_A_MINUTE : (minute + 1) * STEPS_A_MINUTE + 1]
        opened = steps[0] + int(draw.random() * 3) - 1
        prints = [opened, *steps[1:], *fills[minute]]
        travelled = sum(abs(b - a) for a, b in itertools.pairwise(steps)) / steps[0]
        busy = 0.8 * busy + 0.2 * (0.25 + travelled / (0.0022 * market.shape.beta))
        volume = usual * busy * (0.5 + draw.random() + 0.3 * travelled / 0.0022) + 1.6 * forced[minute]
        candles.append(Candle(opened, max(prints), min(prints), steps[-1], volume))
    return candles


def build_open_interest(market: Market, rows: Sequence[Row], draw: random.Random) -> list[float]:
    """Open contracts every five minutes: forced orders take them away, traders bring them back slowly. [coin]"""
    book = BOOKS[market.shape.symbol]
    forced: dict[int, float] = defaultdict(float)
    for row in rows:
        forced[row.ms // (5 * MINUTE_MS)] += float(row.qty)
    level, usual, series = book.open_interest, book.open_interest, []
    for slot in range(WEEK_S // 300):
        series.append(level)
        noise = draw.random() + draw.random() - 1.0
        # The exchanges of the sample are a part of the market, and many leave before they are forced out.
        gone = min(14.0 * forced[slot], 0.02 * level)
        level += 0.0025 * (usual - level) + 0.0011 * usual * noise - gone
        usual -= 0.4 * gone
    return series


def make(folder: Path) -> None:
    """Write the whole sample into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for number, market in enumerate(simulate(SEED)):
        symbol = market.shape.symbol
        own = publish(market, random.Random(SEED + 100 + number))
        rows += own
        tick = Decimal(HABITS[GAP_EXCHANGE].listings[symbol].tick)
        candles = build_candles(market, own, tick, random.Random(SEED + 200 + number))
        places = Decimal(1).scaleb(-BOOKS[symbol].decimals)
        lines = [
            f"{stamp(i * MINUTE_MS)},{c.open * tick:f},{c.high * tick:f},{c.low * tick:f},{c.close * tick:f},"
            f"{_round(c.volume, places):f}"
            for i, c in enumerate(candles)
        ]
        _write_gz(folder / f"candles_1m_{symbol}.csv.gz", ["open_time_utc,open,high,low,close,volume", *lines])
        lines = []
        for slot, level in enumerate(build_open_interest(market, own, random.Random(SEED + 300 + number))):
            coins = _round(level, places)
            usd = (coins * candles[slot * 5].open * tick).quantize(Decimal("0.01"))
            lines.append(f"{stamp(slot * 5 * MINUTE_MS)},{coins:f},{usd:f}")
        _write_gz(
            folder / f"open_interest_5m_{symbol}.csv.gz", ["time_utc,open_interest_coins,open_interest_usd", *lines]
        )
    rows.sort()
    _write_gz(folder / "liquidations.csv.gz", [HEADER, *(row.text() for row in rows)])
    facts = build_facts(rows)
    (folder / "facts.json").write_bytes((json.dumps(facts, indent=1, sort_keys=True) + "\n").encode())
    (folder / "README.md").write_bytes(render_readme(rows, facts).encode())


def build_facts(rows: Sequence[Row]) -> dict[str, object]:
    """Sum the rows up exactly; USD are decimal texts."""
    week = [stamp(0), stamp(WEEK_S * 1000)]
    gap = [stamp(GAP_MS[0]), stamp(GAP_MS[1])]
    symbols: dict[str, object] = {}
    for symbol in BOOKS:
        own = [r for r in rows if r.symbol == symbol]
        sides = {p: _count([r for r in own if r.position == p]) for p in ("long", "short")}
        names = {e: _count([r for r in own if r.exchange == e]) for e in sorted(HABITS)}
        symbols[symbol] = {**_count(own), "positions": sides, "exchanges": names}
    return {
        "synthetic": True,
        "seed": SEED,
        "start": week[0],
        "end": week[1],
        "show_until": stamp(busiest_day_end(rows)),
        **_count(rows),
        "symbols": symbols,
        "coverage": {
            e: [[week[0], gap[0]], [gap[1], week[1]]] if e == GAP_EXCHANGE else [week] for e in sorted(HABITS)
        },
    }


def busiest_day_end(rows: Sequence[Row]) -> int:
    """End of the UTC day with the most USD: the day to show first. [ms]"""
    days: dict[int, Decimal] = defaultdict(Decimal)
    for row in rows:
        days[row.ms // DAY_MS] += row.price * row.qty
    return (max(days, key=lambda day: days[day]) + 1) * DAY_MS


def _count(rows: Sequence[Row]) -> dict[str, object]:
    """Events, exact USD, first and last time, and how many rows repeat another one in full."""
    usd = sum((r.price * r.qty for r in rows), Decimal(0))
    return {
        "events": len(rows),
        "notional": f"{usd:f}",
        "first": stamp(rows[0].ms),
        "last": stamp(rows[-1].ms),
        "twins": len(rows) - len(set(rows)),
    }


README = """\
SYNTHETIC data: no exchange and no trader made any of this. It is an invented week for demos and tests.

# sample_data

Made by `scripts/make_sample.py` (with `sample_market.py` and `sample_exchanges.py`) from the seed {seed};
`python scripts/make_sample.py --check` makes it again and exits 1 where a file differs. Change the script, never the
files. Prices, sizes and times are invented; the names of exchanges stand for habits (what price they state, in which
unit, how completely), not for what they did.

The week is {start} to {end}, end excluded. BTC, ETH and SOL follow one common
factor: a range, a sell-off with cascades on Wednesday 7 and Thursday 8 January, a squeeze on Friday 9, a quiet weekend.
Traders open leveraged positions near the price; a price that reaches a liquidation level forces them out, and the
forced order pushes the price on.

| file | columns |
|---|---|
| `liquidations.csv.gz` | `{header}` |
| `candles_1m_<SYMBOL>.csv.gz` | `open_time_utc,open,high,low,close,volume`: 10,080 minutes without a gap; volume in the base coin |
| `open_interest_5m_<SYMBOL>.csv.gz` | `time_utc,open_interest_coins,open_interest_usd`: 2,016 rows; base coin, and USD at that minute's open |
| `facts.json` | counts, exact sums of price x qty, first and last time, coverage, end of the busiest day |

`position` is the side that was liquidated. `qty` is in the base coin; where an exchange counts contracts, `qty` is
`contracts` x `contract_size`, else both are empty. USD below is price x qty as stated, without rounding in between.
Rows are sorted by time, then by the other columns; rows that repeat another in full ({twins} of them) are separate
fills.

| exchange | price | completeness | note |
|---|---|---|---|
| binance | fill | sampled | at most one event a symbol a second; recorder down {gap} |
| bybit | bankruptcy, about 0.5% beyond the fill | full | |
| okx | bankruptcy | sampled | contracts of 0.01 BTC, 0.1 ETH, 1 SOL |
| gate | fill | full | contracts of 0.0001 BTC, 0.01 ETH, 1 SOL; whole seconds |
| htx | bankruptcy | full | contracts of 0.001 BTC, 0.01 ETH, 1 SOL |

## Known facts

{events:,} events, {usd} USD.

| symbol | exchange | long events | long USD | short events | short USD |
|---|---|---:|---:|---:|---:|
{table}
"""  # noqa: E501 - a table row of Markdown is one line


def render_readme(rows: Sequence[Row], facts: dict[str, object]) -> str:
    """Fill the README with what the rows say."""
    table = []
    for symbol in BOOKS:
        for exchange in (*sorted(HABITS), "**all**"):
            cells = []
            for position in ("long", "short"):
                own = [r for r in rows if r.symbol == symbol and r.position == position]
                own = own if exchange == "**all**" else [r for r in own if r.exchange == exchange]
                cells += [f"{len(own):,}", f"{sum((r.price * r.qty for r in own), Decimal(0)):,.2f}"]
            table.append(f"| {symbol} | {exchange} | " + " | ".join(cells) + " |")
    usd = sum((r.price * r.qty for r in rows), Decimal(0))
    return README.format(
        **{k: facts[k] for k in ("seed", "start", "end", "events", "twins")},
        header=HEADER,
        gap=f"{stamp(GAP_MS[0])} to {stamp(GAP_MS[1])}",
        usd=f"{usd:,.2f}",
        table="\n".join(table),
    )


def check(folder: Path) -> int:
    """
    Make the sample elsewhere and compare; return the exit code.

    Compressed files are compared by what is in them: builds of zlib may pack the same bytes differently.
    """
    with tempfile.TemporaryDirectory() as name:
        again = Path(name)
        make(again)
        names = sorted({p.name for p in (*again.iterdir(), *folder.iterdir())})
        wrong = [n for n in names if _read(again / n) != _read(folder / n)]
    for n in wrong:
        print(f"{folder / n}: differs from what the script makes", file=sys.stderr)
    if not wrong:
        print(f"{len(names)} files in {folder} are what seed {SEED} makes")
    return 1 if wrong else 0


def _read(path: Path) -> bytes | None:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError):
        return None


def _round(number: float, places: Decimal) -> Decimal:
    """Round a positive number half up to whole steps, without printing a float."""
    return int(number / float(places) + 0.5) * places


def _write_gz(path: Path, lines: Sequence[str]) -> None:
    """Write lines compressed, without the file's name or time inside."""
    raw = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=9, mtime=0) as packed:
        packed.write(("\n".join(lines) + "\n").encode("ascii"))
    path.write_bytes(raw.getvalue())


def main() -> int:
    """Write the sample, or check it."""
    parser = argparse.ArgumentParser(description="Make the synthetic sample week in sample_data/.")
    parser.add_argument("--check", action="store_true", help="compare with what is there; exit 1 where it differs")
    parser.add_argument("--out", type=Path, default=OUT, help="folder (default: sample_data/)")
    args = parser.parse_args()
    if args.check:
        return check(args.out)
    make(args.out)
    size = sum(p.stat().st_size for p in args.out.iterdir())
    print(f"{args.out}: {size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
