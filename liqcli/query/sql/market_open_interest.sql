-- Select the open-interest snapshots of a time interval.
--
-- reads   stored_open_interest (ts, open_interest, open_interest_usd)
-- param   $start_us   BIGINT   first snapshot, inclusive [µs]
-- param   $end_us     BIGINT   last snapshot, inclusive [µs]
-- gives   ts_us BIGINT [µs]; open_interest DOUBLE, NaN where unknown [base coin]; open_interest_usd DOUBLE, NaN where unknown [USD]
-- order   ts_us   (total: the lake keeps one snapshot per instant)
SELECT
    EPOCH_US(ts) AS ts_us,
    COALESCE(open_interest, CAST('NaN' AS DOUBLE)) AS open_interest,
    COALESCE(open_interest_usd, CAST('NaN' AS DOUBLE)) AS open_interest_usd
FROM stored_open_interest
WHERE EPOCH_US(ts) >= $start_us AND EPOCH_US(ts) <= $end_us
ORDER BY ts_us
