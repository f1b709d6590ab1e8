"""Score the cluster finder against planted truth, and write docs/clusters.md."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "scripts"))

from planted_clusters import GROUNDS, SCALES, Score, find_in_scene, make_scene  # noqa: E402

from liqcli.engine import Engine  # noqa: E402

FIRST_SEED = 5000
PAGE = ROOT / "docs/clusters.md"
HEAD = """\
# Clusters

A cluster is a price band in which much more was liquidated than around it. `liqcli clusters` and every report rank them
by USD, then nearer to the last price, then lower price.

## How they are found

From the profile, the USD of each price bin summed over the window (`liqcli/analysis/profile_peaks.py`):

1. **Ground.** The 40 % quantile of the bins over half of the price axis, smoothed. A broad hill or a trend lifts it, a
   band does not.
2. **Peaks** of the lightly smoothed profile above its ground, by topographic prominence (how far one must descend
   before the way leads higher), each with the stretch from valley to valley.
3. **Trimming** of each stretch to where the heat is: the run of bins with the largest sum over half of its own mean.
4. **Joining** of neighbours whose gap is no emptier than chance would leave it. The size of the single orders decides:
   ten thousand small orders make a valley believable, ten large ones do not.
5. **Keeping** of what holds `--min-share` of the window (2 %), 2.5 times its ground, and at least two equal orders'
   weight: one large order is a large order, not a cluster. A band wider than a twentieth of the axis must also be 1.5
   times as dense as the window's average. Where the whole window is but a few orders, single orders count.

Where nothing stands out but the ground itself is one hill, its core is the one cluster; else bands of 1.5 times their
ground are named if chance cannot explain them; level noise has none.
Edges are edges of the grid's bins (`--bin`); grids of more than 320 rows are searched in steps of several bins. Bands
never overlap, so an event is in one cluster at the most. Nothing depends on the row order, the clock, the time axis or
the scale of the price. With `--half-life` an event counts half for each half-life that it is older than the newest one;
that decides which bands are found (`recent_share`), while `notional` and `share` stay what was liquidated.

| field | means |
|---|---|
| `peak_price` | middle of the band's hottest bin |
| `share` | of the USD of the whole window, 0 to 1 |
| `active_buckets` | buckets of the time axis in which something was liquidated in the band |
| `distance_pct` | from the last price to `peak_price` |
| `side` | whether the whole band lies `above` or `below` the last price, or holds it (`at price`) |
| `role` | what traders call that; words of the field, not a forecast |
| `key_levels` | levels inside the band or close to its edge, with the distance; see below |

## Key levels

A cluster sits on a level that lies inside it, or no further from its edge than a bin or a 200th of the price range.

| level | is |
|---|---|
| round number | a multiple of a step of {1, 2, 5} x 10^k that leaves at most ten in the window's price range |
| previous day's, week's high and low | of the UTC day, and week from Monday, before the one in which the window ends |
| swing high, swing low | the latest four of each that stand out of a 24th of the window on both sides |
| point of control, value area | of the volume traded in the window, by the closes of its candles; 70 % |

All but the round numbers need candles and are left out where those have holes; nothing after the window's end is
looked at, and a swing counts only when the candles to its right have closed.

## Planted truth

`scripts/score_clusters.py` makes windows of one day with 1 to 12 planted bands, 1 to 8 units wide (of 160) and at least
3 units apart, evenly filled or bell-shaped, and runs the program's own way from events to clusters with the default
options. Order sizes are heavy-tailed (log-normal, sigma 1.5; recorded days have 1.5 to 1.9). The grounds:

| ground | is |
|---|---|
| empty | nothing but two small prints that mark the ends of the axis |
| hill | 1,000 to 4,000 orders around one price, standard deviation 20 to 35 % of the axis |
| slope | as many, their density rising along the axis |
| path | as many along a random walk that drifts from 10 % to 90 % of the axis: price dwells here and there |

- A planted band **counts** when its own USD is at least 3 times the ground around it (mean of the ground in the band
  and 10 units to either side) and at least 2.5 % of the window. Lighter ones need not be found and are not wrong.
- A cluster **matches** a planted band when the two overlap and its peak lies in the band, give or take one bin. A band
  is matched once: the second half of a band cut in two is wrong.
- **Recall**: bands that count and are matched.
- **Precision, strict**: clusters that match a planted band, of all clusters.
- **Precision, with natural heat**: a cluster is also right where the ground alone holds 3 times, per unit, what the
  ground holds in the 10 units to either side of it: what is asked of a planted band.

**What the table does not say by itself.** On `path` the strict precision is about 0.8 and misses the 0.90 that it was
to reach: about every fifth cluster there is not planted. A drifting random walk dwells, and where it dwells more is
liquidated; most of these clusters are such places. The second precision was added after that was seen, to tell them
from clusters with nothing behind them. Raising the finder's contrast to 3.5 brought strict precision on `path` to 0.85
to 0.89 at a recall of 0.89 to 0.95, so no setting that was tried reaches both.

- **Bounds**: distance of both edges from the planted ones, in bins. At 150 and 3,000 the automatic bin is 1.33 units
  wide, so planted edges fall inside bins.

Scored on SEEDS scenes for each line, seeds from FIRST on; the finder's constants were chosen on seeds below that.

| ground | price scale | bands | recall | precision, strict | with natural heat | bounds, median | bounds, 90 % |
|---|---|---|---|---|---|---|---|
"""


def main() -> None:
    """Score every ground at every scale."""
    parser = argparse.ArgumentParser(description="Score the cluster finder and write docs/clusters.md.")
    parser.add_argument("--seeds", type=int, default=200, help="scenes of each ground and scale (default 200)")
    seeds: int = parser.parse_args().seeds
    rows = []
    for row in score_all(seeds):
        print(row, flush=True)
        rows.append(row + "\n")
    PAGE.write_text(
        HEAD.replace("SEEDS", str(seeds)).replace("FIRST", str(FIRST_SEED)) + "".join(rows), encoding="utf-8"
    )


def score_all(seeds: int) -> Iterator[str]:
    """Give the lines of the table."""
    with Engine() as engine:
        for ground in GROUNDS:
            for scale in SCALES:
                score = Score()
                for seed in range(FIRST_SEED, FIRST_SEED + seeds):
                    scene = make_scene(seed, ground)
                    clusters, bin_units = find_in_scene(engine, scene, scale)
                    score.add(scene, clusters, scale, bin_units)
                bounds = (statistics.median(score.errors), statistics.quantiles(score.errors, n=10)[-1])
                place = f"{scale:,.5f}".rstrip("0").rstrip(".")
                yield (
                    f"| {ground} | {place} | {score.heavy} | {score.recall:.3f} | {score.strict:.3f} "
                    f"| {score.precision:.3f} | {bounds[0]:.2f} | {bounds[1]:.2f} |"
                )


if __name__ == "__main__":
    main()
