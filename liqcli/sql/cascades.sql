-- Add up each burst: USD by position, orders, prints, its fastest minute, first and last print and the prices there.
--
-- A burst is made of whole minutes, so its sums come from the minutes; only the first and last instant and the prices
-- need the prints. Of several prints in the first (last) instant the largest one gives the price, then the lower one.
--
-- reads   liquidations (ts_us, price, notional_e6), minute_sums (minute_us, usd_e6, long_e6, short_e6, orders, prints), spans (first_us, last_us)
-- gives   start_us BIGINT, end_us BIGINT, time of the first and last print [µs]; usd_e6 BIGINT, long_e6 BIGINT, short_e6 BIGINT, peak_e6 BIGINT, the most in a minute [1e-6 USD]; orders BIGINT; prints BIGINT; price_from DOUBLE; price_to DOUBLE; price_low DOUBLE; price_high DOUBLE [quote]
-- order   start_us   (total: bursts do not overlap)
WITH burst_minutes AS (
    SELECT
        spans.first_us AS burst,
        minute_sums.minute_us,
        minute_sums.usd_e6,
        minute_sums.long_e6,
        minute_sums.short_e6,
        minute_sums.orders,
        minute_sums.prints
    FROM minute_sums
    INNER JOIN spans
        ON minute_sums.minute_us >= spans.first_us AND minute_sums.minute_us <= spans.last_us
),

sums AS (
    SELECT
        burst,
        SUM(usd_e6) AS usd_e6,
        SUM(long_e6) AS long_e6,
        SUM(short_e6) AS short_e6,
        MAX(usd_e6) AS peak_e6,
        SUM(orders) AS orders,
        SUM(prints) AS prints
    FROM burst_minutes
    GROUP BY burst
),

burst_prints AS (
    SELECT
        burst_minutes.burst,
        liquidations.ts_us,
        liquidations.price,
        liquidations.notional_e6
    FROM liquidations
    INNER JOIN burst_minutes
        ON liquidations.ts_us - MOD(liquidations.ts_us, 60000000) = burst_minutes.minute_us
),

bounds AS (
    SELECT
        burst,
        MIN(ts_us) AS start_us,
        MAX(ts_us) AS end_us,
        MIN(price) AS price_low,
        MAX(price) AS price_high
    FROM burst_prints
    GROUP BY burst
),

edges AS (
    SELECT
        burst_prints.burst,
        burst_prints.ts_us,
        burst_prints.price,
        ROW_NUMBER() OVER (
            PARTITION BY burst_prints.burst, burst_prints.ts_us
            ORDER BY burst_prints.notional_e6 DESC, burst_prints.price ASC
        ) AS place
    FROM burst_prints
    INNER JOIN bounds
        ON burst_prints.burst = bounds.burst
        AND (burst_prints.ts_us = bounds.start_us OR burst_prints.ts_us = bounds.end_us)
)

SELECT
    bounds.start_us,
    bounds.end_us,
    CAST(sums.usd_e6 AS BIGINT) AS usd_e6,
    CAST(sums.long_e6 AS BIGINT) AS long_e6,
    CAST(sums.short_e6 AS BIGINT) AS short_e6,
    CAST(sums.peak_e6 AS BIGINT) AS peak_e6,
    CAST(sums.orders AS BIGINT) AS orders,
    CAST(sums.prints AS BIGINT) AS prints,
    opening.price AS price_from,
    closing.price AS price_to,
    bounds.price_low,
    bounds.price_high
FROM bounds
INNER JOIN sums
    ON bounds.burst = sums.burst
INNER JOIN edges AS opening
    ON bounds.burst = opening.burst AND bounds.start_us = opening.ts_us AND opening.place = 1
INNER JOIN edges AS closing
    ON bounds.burst = closing.burst AND bounds.end_us = closing.ts_us AND closing.place = 1
ORDER BY start_us
