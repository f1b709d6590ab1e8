-- The last price printed in each time bucket: the price line where no candles are known.
--
-- reads   liquidations (ts_us, price, notional_e6, exchange)
-- param   $bucket_us   BIGINT   length of a time bucket [µs]
-- gives   ts_us BIGINT [µs]; price DOUBLE [quote]
-- order   ts_us   (total: one row a bucket)
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
