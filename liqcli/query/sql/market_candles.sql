-- Select the candles of a time interval with their volume.
--
-- reads   stored_market_candles (ts, open, high, low, close, volume, taker_buy)
-- param   $start_us   BIGINT   first open time, inclusive [µs]
-- param   $end_us     BIGINT   last close time, inclusive [µs]
-- param   $step_us    BIGINT   length of a candle [µs]
-- gives   ts_us BIGINT, open time [µs]; open DOUBLE; high DOUBLE; low DOUBLE; close DOUBLE, NaN where absent [quote]; volume DOUBLE, taker_buy DOUBLE, NaN where unknown [base coin]
-- order   ts_us   (total: the lake keeps one candle per open time)
SELECT
    EPOCH_US(ts) AS ts_us,
    COALESCE(open, CAST('NaN' AS DOUBLE)) AS open,
    COALESCE(high, CAST('NaN' AS DOUBLE)) AS high,
    COALESCE(low, CAST('NaN' AS DOUBLE)) AS low,
    COALESCE(close, CAST('NaN' AS DOUBLE)) AS close,
    COALESCE(volume, CAST('NaN' AS DOUBLE)) AS volume,
    COALESCE(taker_buy, CAST('NaN' AS DOUBLE)) AS taker_buy
FROM stored_market_candles
WHERE EPOCH_US(ts) >= $start_us AND EPOCH_US(ts) + $step_us <= $end_us
ORDER BY ts_us
