# Analyse one day of liquidations with liqcli, numpy and SQL.
#
# The cells (# %%) run in Jupyter and in editors that know them; `python docs/example_analysis.py` runs all.
# LIQCLI_LAKE chooses the lake. `liqcli demo` makes one with synthetic data in liqcli-demo/lake.

# %% Open the lake and compute one window
import numpy as np

import liqcli

lake = liqcli.Lake()
symbol = "BTCUSDT"
m = lake.heatmap(symbol, lookback="24h", until="latest")
print(m)

# %% Which prices have the largest clusters, and how far are they from the last price?
for cluster in m.clusters[:5]:
    usd = cluster.notional / 1e6
    print(f"{cluster.rank:>2}  {cluster.low:>10,.1f} to {cluster.high:>10,.1f}  {usd:8.2f}M USD  {cluster.role}")

# %% At which hours of the day were positions liquidated?
per_bucket = m.grid.notional.sum(axis=0)  # USD, one value per time bucket
hours = (m.grid.bucket_starts_us // 3_600_000_000 % 24).astype(int)
usd_by_hour = np.bincount(hours, weights=per_bucket, minlength=24)
busiest = int(usd_by_hour.argmax())
print(f"busiest hour: {busiest:02d}:00 UTC with {usd_by_hour[busiest] / 1e6:.2f}M USD")

# %% How concentrated are they? Share of the largest 10% of the non-empty cells
cells = np.sort(m.grid.notional[m.grid.notional > 0])[::-1]
top = cells[: max(1, cells.size // 10)].sum() / cells.sum()
print(f"the largest tenth of {cells.size} cells holds {top:.0%} of the USD")

# %% Do longs and shorts differ between exchanges? The same events in SQL
by_exchange = lake.sql(
    """
    SELECT exchange, position, count(*) AS events, sum(notional) AS usd
    FROM liquidations
    WHERE symbol = $symbol AND ts >= make_timestamp($start) AND ts < make_timestamp($end)
    GROUP BY ALL
    ORDER BY exchange, position
    """,
    {"symbol": symbol, "start": m.window.start_us, "end": m.window.end_us},
)
for row in by_exchange.to_pylist():
    print(f"{row['exchange']:<10} {row['position']:<6} {row['events']:>6}  {row['usd'] / 1e6:8.2f}M USD")

# The report and the SQL view count the same events.
total = sum(row["usd"] for row in by_exchange.to_pylist())
assert abs(total - m.report["meta"]["notional"]) < 1.0

# %% What did the price do after each cascade?
for cascade in m.cascades:
    after = cascade.price_after_1h_pct
    print(
        f"{cascade.rank:>2}  {cascade.position:<6} {cascade.notional / 1e6:6.2f}M USD  after 1 h: "
        + ("unknown" if after is None else f"{after:+.2f}%")
    )

# %% Save the report, the picture and the grid
m.save("btc.html", "btc.png", "btc.parquet")
