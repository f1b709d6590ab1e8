-- First, last and number of candles or open-interest points of each file.
--
-- reads   stored_market (ts, filename)
-- gives   filename VARCHAR; first_us BIGINT [µs]; last_us BIGINT [µs]; events BIGINT
-- order   filename   (total: one row a file)
SELECT
    filename,
    EPOCH_US(MIN(ts)) AS first_us,
    EPOCH_US(MAX(ts)) AS last_us,
    COUNT(*) AS events
FROM stored_market
GROUP BY filename
ORDER BY filename
