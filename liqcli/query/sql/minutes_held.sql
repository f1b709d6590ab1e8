-- Find the files with a one-minute candle that closed inside a window.
--
-- reads   stored_minutes (ts, filename)
-- param   $start_us   BIGINT   start of the window, inclusive [µs]
-- param   $end_us     BIGINT   end of the window, inclusive [µs]
-- gives   filename VARCHAR
-- order   filename   (total: one row per file)
SELECT DISTINCT filename
FROM stored_minutes
WHERE EPOCH_US(ts) + 60000000 > $start_us AND EPOCH_US(ts) + 60000000 <= $end_us
ORDER BY filename
