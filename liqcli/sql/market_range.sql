-- First, last and number of candles or open-interest points.
--
-- reads   stored_market (ts)
-- gives   first_us BIGINT [µs]; last_us BIGINT [µs]; events BIGINT
-- order   none (one row)
SELECT
    EPOCH_US(MIN(ts)) AS first_us,
    EPOCH_US(MAX(ts)) AS last_us,
    COUNT(*) AS events
FROM stored_market
