-- Find the first and last print of each burst and the prices there.
--
-- Prices come from the best price kind in the burst only: mixing a fill with a bankruptcy price half a percent away could
-- reverse the direction of the move. Of several prints in the first (last) instant the largest one determines the price,
-- then the lower one.
--
-- reads   liquidations (ts_us, price, price_kind, notional_e6), burst_minutes (burst, minute_us)
-- gives   start_us BIGINT, end_us BIGINT, time of the first and last print [µs]; price_from DOUBLE; price_to DOUBLE; price_low DOUBLE; price_high DOUBLE [quote]
-- order   start_us   (total: bursts do not overlap)
WITH burst_prints AS (
    SELECT
        burst_minutes.burst,
        liquidations.ts_us,
        liquidations.price,
        CASE liquidations.price_kind WHEN 'fill' THEN 0 WHEN 'market' THEN 1 WHEN 'order' THEN 2 WHEN 'trigger' THEN 3 ELSE 4 END AS kind,
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
        MIN(kind) AS best_kind
    FROM burst_prints
    GROUP BY burst
),

priced AS (
    SELECT
        burst_prints.burst,
        burst_prints.ts_us,
        burst_prints.price,
        burst_prints.notional_e6
    FROM burst_prints
    INNER JOIN bounds
        ON burst_prints.burst = bounds.burst AND burst_prints.kind = bounds.best_kind
),

prices AS (
    SELECT
        burst,
        MIN(ts_us) AS first_us,
        MAX(ts_us) AS last_us,
        MIN(price) AS price_low,
        MAX(price) AS price_high
    FROM priced
    GROUP BY burst
),

edges AS (
    SELECT
        priced.burst,
        priced.ts_us,
        priced.price,
        ROW_NUMBER() OVER (
            PARTITION BY priced.burst, priced.ts_us
            ORDER BY priced.notional_e6 DESC, priced.price ASC
        ) AS place
    FROM priced
    INNER JOIN prices
        ON priced.burst = prices.burst
        AND (priced.ts_us = prices.first_us OR priced.ts_us = prices.last_us)
)

SELECT
    bounds.start_us,
    bounds.end_us,
    opening.price AS price_from,
    closing.price AS price_to,
    prices.price_low,
    prices.price_high
FROM bounds
INNER JOIN prices
    ON bounds.burst = prices.burst
INNER JOIN edges AS opening
    ON prices.burst = opening.burst AND prices.first_us = opening.ts_us AND opening.place = 1
INNER JOIN edges AS closing
    ON prices.burst = closing.burst AND prices.last_us = closing.ts_us AND closing.place = 1
ORDER BY start_us
