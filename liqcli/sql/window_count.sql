-- How many events count in the window.
--
-- reads   liquidations (ts_us)
-- gives   events BIGINT
-- order   none (one row)
SELECT COUNT(*) AS events
FROM liquidations
