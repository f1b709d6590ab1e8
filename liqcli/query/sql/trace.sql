-- Find the last price in each time bucket: the price line when there are no candles.
--
-- reads   liquidations (ts_us, price, notional_e6, exchange)
-- param   $bucket_us   BIGINT   length of a time bucket [µs]
-- gives   ts_us BIGINT [µs]; price DOUBLE [quote]
-- order   ts_us   (total: one row per bucket)
WITH ranked AS (
    SELECT
        ts_us,
        price,
        ROW_NUMBER() OVER (
            PARTITION BY ts_us - MOD(ts_us, $bucket_us)
            ORDER BY ts_us DESC, notional_e6 DESC, price DESC, exchange ASC
        ) AS place
    FROM liquidations
)

SELECT
    ts_us,
    price
FROM ranked
WHERE place = 1
ORDER BY ts_us
