-- Count, for each price band, the time buckets in which something was liquidated in it.
--
-- The comparisons are differences, which are 0 or of the same sign, so that DuckDB compares each event with each of the
-- few bands. For plain comparisons it sorts all events first: 1.3 s instead of 0.3 s for two million events.
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
    ON liquidations.price - bands.low >= 0 AND liquidations.price - bands.high < 0
GROUP BY band
ORDER BY band
