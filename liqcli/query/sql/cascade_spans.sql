-- Stretches of minutes far above the baseline, with the warm minutes that lead in and out of them.
--
-- Neighbouring warm minutes make a run. A run is a burst when one of its minutes is hot, or when it is long and holds
-- in all what a hot minute must hold: a slow cascade shows no single extreme minute. Bursts with less than a quiet gap
-- between them are one.
--
-- reads   minute_sums (minute_us, usd_e6, orders)
-- param   $hot_usd_e6    BIGINT   a hot minute holds at least this much [1e-6 USD]
-- param   $hot_orders    BIGINT   a hot minute holds at least so many orders
-- param   $warm_usd_e6   BIGINT   a warm minute holds at least this much [1e-6 USD]
-- param   $warm_orders   BIGINT   a warm minute holds at least so many orders
-- param   $long_run      BIGINT   a run of so many warm minutes is long
-- param   $quiet_us      BIGINT   a gap of this length ends a burst [µs]
-- gives   first_us BIGINT, start of the first minute [µs]; last_us BIGINT, start of the last minute [µs]
-- order   first_us   (total: bursts do not overlap)
WITH warm AS (
    SELECT
        minute_us,
        usd_e6,
        orders,
        CASE WHEN usd_e6 >= $hot_usd_e6 AND orders >= $hot_orders THEN 1 ELSE 0 END AS hot,
        minute_us - LAG(minute_us) OVER (ORDER BY minute_us) AS step_us
    FROM minute_sums
    WHERE usd_e6 >= $warm_usd_e6 AND orders >= $warm_orders
),

numbered AS (
    SELECT
        minute_us,
        usd_e6,
        orders,
        hot,
        SUM(CASE WHEN step_us > 60000000 THEN 1 ELSE 0 END) OVER (ORDER BY minute_us ROWS UNBOUNDED PRECEDING) AS run
    FROM warm
),

runs AS (
    SELECT
        MIN(minute_us) AS first_us,
        MAX(minute_us) AS last_us
    FROM numbered
    GROUP BY run
    HAVING MAX(hot) = 1
        OR (COUNT(*) >= $long_run AND SUM(usd_e6) >= $hot_usd_e6 AND SUM(orders) >= $hot_orders)
),

spaced AS (
    SELECT
        first_us,
        last_us,
        first_us - LAG(last_us) OVER (ORDER BY first_us) - 60000000 AS gap_us
    FROM runs
),

joined AS (
    SELECT
        first_us,
        last_us,
        SUM(CASE WHEN gap_us >= $quiet_us THEN 1 ELSE 0 END) OVER (ORDER BY first_us ROWS UNBOUNDED PRECEDING) AS burst
    FROM spaced
)

SELECT
    MIN(first_us) AS first_us,
    MAX(last_us) AS last_us
FROM joined
GROUP BY burst
ORDER BY first_us
