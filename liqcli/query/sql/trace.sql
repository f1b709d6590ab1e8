-- Find the last price in each time bucket: the price line when there are no candles.
--
-- Of several events in the last instant the largest one determines the price, then the higher price. The last instants
-- come first, and only the events at them are ranked: ranking all events would sort all of them.
--
-- reads   liquidations (ts_us, price, notional_e6)
-- param   $bucket_us   BIGINT   length of a time bucket [µs]
-- gives   ts_us BIGINT [µs]; price DOUBLE [quote]
-- order   ts_us   (total: one row per bucket)
WITH newest AS (
    SELECT MAX(ts_us) AS ts_us
    FROM liquidations
    GROUP BY ts_us - MOD(ts_us, $bucket_us)
),

ranked AS (
    SELECT
        liquidations.ts_us,
        liquidations.price,
        ROW_NUMBER() OVER (
            PARTITION BY liquidations.ts_us
            ORDER BY liquidations.notional_e6 DESC, liquidations.price DESC
        ) AS place
    FROM liquidations
    INNER JOIN newest
        ON liquidations.ts_us = newest.ts_us
)

SELECT
    ts_us,
    price
FROM ranked
WHERE place = 1
ORDER BY ts_us
