-- Count the time buckets in which something was liquidated in a price band.
--
-- reads   liquidations (ts_us, price)
-- param   $low         DOUBLE   where the band begins, inside [quote]
-- param   $high        DOUBLE   where it ends, outside [quote]
-- param   $bucket_us   BIGINT   length of a time bucket [µs]
-- gives   buckets BIGINT
-- order   none (one row)
SELECT COUNT(DISTINCT ts_us - MOD(ts_us, $bucket_us)) AS buckets
FROM liquidations
WHERE price >= $low AND price < $high
