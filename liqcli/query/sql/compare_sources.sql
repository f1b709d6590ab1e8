-- Sum two sources over the same time: the one that was left out, and the one that counted instead.
--
-- reads   stored (the lake's columns and filename), compared (pair, left_out, filename, start_us, end_us)
-- param   $position       VARCHAR   long, short or both
-- param   $min_notional   DOUBLE    smallest event that counts [USD]
-- gives   pair BIGINT; left_out BOOLEAN; events BIGINT; notional_e6 BIGINT [1e-6 USD]; long_e6 BIGINT [1e-6 USD]
-- order   pair, left_out   (total: one row each)
SELECT
    compared.pair,
    compared.left_out,
    COUNT(*) AS events,
    CAST(SUM(CAST(ROUND(stored.notional * 1000000) AS BIGINT)) AS BIGINT) AS notional_e6,
    CAST(
        SUM(CASE WHEN stored.position = 'long' THEN CAST(ROUND(stored.notional * 1000000) AS BIGINT) ELSE 0 END) AS BIGINT
    ) AS long_e6
FROM stored
INNER JOIN compared
    ON stored.filename = compared.filename
WHERE EPOCH_US(stored.ts) >= compared.start_us
    AND EPOCH_US(stored.ts) < compared.end_us
    AND ($position = 'both' OR stored.position = $position)
    AND stored.notional >= $min_notional
GROUP BY pair, left_out
ORDER BY pair, left_out
