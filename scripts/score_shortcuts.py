"""
Score estimated levels and the shortcuts of other tools on the recorded month (``LIQCLI_REAL_DATA``).

Prints the two tables of ``docs/levels-score.md``: the whole month, with weights calibrated once a week on the time
before, and its second half, with weights calibrated once on the time before it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from liqcli.analysis.levels.liquidation_price import find_rule  # noqa: E402
from liqcli.analysis.levels.lots import OPENINGS, Lots, place_lots  # noqa: E402
from liqcli.analysis.levels.steps import Steps  # noqa: E402
from liqcli.analysis.levels.tiers import MarginTiers  # noqa: E402
from liqcli.analysis.score.days import DAY_US, list_days  # noqa: E402
from liqcli.analysis.score.forward import MEMORY_DAYS, ForwardMap, estimate_forward, estimate_maps  # noqa: E402
from liqcli.analysis.score.intervals import estimate  # noqa: E402
from liqcli.analysis.score.levels import BLOCK, DayScores, summarise  # noqa: E402
from liqcli.ingest.files.importer import import_files  # noqa: E402
from liqcli.ingest.files.options import ImportOptions  # noqa: E402
from liqcli.lake.store import Lake  # noqa: E402
from liqcli.report.level_score import judge_maps, read_orders  # noqa: E402
from liqcli.report.levels_data import LevelsQuery, find_tiers, read_inputs, read_realized  # noqa: E402

SYMBOLS = ("BTC", "ETH", "SOL")
FIRST, MIDDLE, LAST = "2026-03-15", "2026-03-31", "2026-04-16"
COLUMNS = "ts=time_utc,symbol=symbol,position=position,price=price,qty=amount_base"
HEAD = """
| levels | symbol | days | orders | share | placebo | difference | better than liqcli by | gain | verdict |
|---|---|---|---|---|---|---|---|---|---|"""

Place = Callable[[Steps, MarginTiers, str], Lots]


def main() -> None:
    """Import the recorded month into a temporary lake, and print a row for each variant and symbol."""
    named = os.environ.get("LIQCLI_REAL_DATA")
    if not named:
        sys.exit("set LIQCLI_REAL_DATA to the folder of recorded market data")
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        fill(lake, Path(named) / "pacifica-2026-03")
        for title, since, walk in (
            (f"{FIRST} to {LAST}, calibrated every week", FIRST, estimate_forward),
            (f"{MIDDLE} to {LAST}, calibrated once", MIDDLE, estimate_maps),
        ):
            exact: dict[str, list[DayScores]] = {}
            print(f"\n{title}\n{HEAD}")
            for name, place in VARIANTS.items():
                for symbol in SYMBOLS:
                    query = LevelsQuery(symbol, since=since, until=LAST)
                    days = score_days(lake, query, place, walk)
                    exact.setdefault(symbol, days)
                    print(describe(name, symbol, days, exact[symbol]), flush=True)


def fill(lake: Lake, folder: Path) -> None:
    """Import the files of the month."""
    import_files(lake, [folder / "events_utc.csv.gz"], ImportOptions(exchange="pacifica", columns=COLUMNS))
    for symbol in SYMBOLS:
        name = f"{symbol}USDT"
        own = ImportOptions(exchange="binance", symbol=name)
        candles = folder / f"candles_binance_spot_{name}_1h.csv.gz"
        import_files(lake, [candles], replace(own, kind="candles", market="spot"))
        import_files(lake, [folder / f"open_interest_binance_um_{name}_5m.csv.gz"], replace(own, kind="open-interest"))


def place_exactly(steps: Steps, tiers: MarginTiers, exchange: str) -> Lots:
    """Place lots as liqcli does."""
    return place_lots(steps, tiers, rule=find_rule(exchange))


def place_without_maintenance(steps: Steps, tiers: MarginTiers, exchange: str) -> Lots:
    """Place lots at the bankruptcy price, entry * (1 -+ 1 / leverage)."""
    free = replace(tiers, rates=0 * tiers.rates, deductions=0 * tiers.deductions)
    return place_lots(steps, free, rule=replace(find_rule(exchange), fee=0.0))


def place_by_color(steps: Steps, tiers: MarginTiers, exchange: str) -> Lots:
    """Keep only the longs of what opens in rising candles, and only the shorts of what opens in falling ones."""
    lots = place_exactly(steps, tiers, exchange)
    falling = np.diff(steps.close, prepend=steps.close[0]) < 0
    kept = (lots.opening != OPENINGS.index("opened")) | (falling[lots.born] == (lots.side == 1))
    return replace(lots, **{name: getattr(lots, name)[kept] for name in PER_LOT})


PER_LOT = ("price", "born", "gone", "share", "side", "leverage", "opening")
VARIANTS: dict[str, Place] = {
    "liqcli": place_exactly,
    "no maintenance margin, `1/L` only": place_without_maintenance,
    "side by the color of the candle": place_by_color,
}


def score_days(lake: Lake, query: LevelsQuery, place: Place, walk: Callable[..., list[ForwardMap]]) -> list[DayScores]:
    """Score the days of a window with one way to place lots."""
    inputs = read_inputs(lake, query, MEMORY_DAYS * DAY_US)
    window = inputs.window
    orders = read_orders(lake, query, window)[0]
    realized = read_realized(lake, query, inputs.steps, window.end_us)[0]
    tiers = find_tiers(lake, inputs.exchange, inputs.contract, window)[0].tiers
    midnights = list_days(window.start_us, window.end_us)
    maps = walk(inputs.steps, realized, midnights, place(inputs.steps, tiers, inputs.exchange))
    return judge_maps(inputs, [one.level_map for one in maps], orders)


def describe(name: str, symbol: str, days: list[DayScores], exact: list[DayScores]) -> str:
    """Write a row of the table: scores in percent, differences in points with their intervals, the gain in nats."""
    found = summarise(days)
    share, gain = found.measures[:2]
    return "| " + " | ".join((
        name, symbol, str(found.days), str(found.events), f"{100 * share.value:.1f}",
        f"{100 * share.baseline_value:.1f}",
        interval(share.difference, share.difference_low, share.difference_high, 100, 1),
        "" if days is exact else compare(days, exact),
        interval(gain.difference, gain.difference_low, gain.difference_high, 1, 2), found.verdict,
    )) + " |"  # fmt: skip


def compare(days: list[DayScores], exact: list[DayScores]) -> str:
    """Compare the differences to the placebo of the same days."""
    others = {day.start_us: day.share - day.placebo_share for day in exact}
    apart = [(1.0, one.share - one.placebo_share - others[one.start_us]) for one in days if one.start_us in others]
    (found,) = estimate(np.array(apart), lambda sums: sums[..., 1:] / sums[..., :1], BLOCK)
    return interval(found.value, found.low, found.high, 100, 1)


def interval(value: float, low: float | None, high: float | None, factor: float, places: int) -> str:
    """Write a value with its interval."""
    words = ["unknown" if x is None else f"{factor * x:+.{places}f}".replace("-", "−") for x in (value, low, high)]
    return f"{words[0]} ({words[1]} … {words[2]})"


if __name__ == "__main__":
    main()
