-- Find first time, last time and number of rows of each file of candles or open interest.
--
-- reads   stored_market (ts, filename)
-- gives   filename VARCHAR; first_us BIGINT [µs]; last_us BIGINT [µs]; events BIGINT
-- order   filename   (total: one row per file)
SELECT
    filename,
    EPOCH_US(MIN(ts)) AS first_us,
    EPOCH_US(MAX(ts)) AS last_us,
    COUNT(*) AS events
FROM stored_market
GROUP BY filename
ORDER BY filename
