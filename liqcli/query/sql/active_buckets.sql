-- Count, for each price band, the time buckets in which something was liquidated in it.
--
-- reads   liquidations (ts_us, price), bands (band, low, high)
-- param   $bucket_us   BIGINT   length of a time bucket [µs]
-- gives   band BIGINT; buckets BIGINT
-- order   band   (total: one row per band)
SELECT
    band,
    COUNT(DISTINCT liquidations.ts_us - MOD(liquidations.ts_us, $bucket_us)) AS buckets
FROM bands
LEFT JOIN liquidations
    ON liquidations.price >= bands.low AND liquidations.price < bands.high
GROUP BY band
ORDER BY band
