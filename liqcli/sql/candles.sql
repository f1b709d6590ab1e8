-- The candles that touch a window.
--
-- reads   stored_candles (ts, open, high, low, close)
-- param   $start_us   BIGINT   start of the window, inside [µs]
-- param   $end_us     BIGINT   end of the window, outside [µs]
-- param   $step_us    BIGINT   length of a candle [µs]
-- gives   ts_us BIGINT, open time [µs]; open DOUBLE; high DOUBLE; low DOUBLE; close DOUBLE, NaN where absent [quote]
-- order   ts_us   (total: the lake keeps one candle an open time)
SELECT
    EPOCH_US(ts) AS ts_us,
    COALESCE(open, CAST('NaN' AS DOUBLE)) AS open,
    COALESCE(high, CAST('NaN' AS DOUBLE)) AS high,
    COALESCE(low, CAST('NaN' AS DOUBLE)) AS low,
    COALESCE(close, CAST('NaN' AS DOUBLE)) AS close
FROM stored_candles
WHERE EPOCH_US(ts) + $step_us > $start_us AND EPOCH_US(ts) < $end_us
ORDER BY ts_us
