-- What each file of the lake holds: for status, for "latest", and for saying what there is when a window is empty.
--
-- USD that are no amount (absent, not above 0, not finite, more than an integer holds) count in no sum; such rows are told.
--
-- reads   stored (ts, notional, completeness, price_kind, filename)
-- param   $end_us   BIGINT   rows from here on are not looked at [µs]
-- gives   filename VARCHAR; first_us BIGINT [µs]; last_us BIGINT [µs]; events BIGINT; notional_e6 BIGINT [1e-6 USD]; full_events BIGINT; fill_events BIGINT; amountless BIGINT
-- order   filename   (total: one row a file)
WITH amounts AS (
    SELECT
        filename,
        ts,
        completeness,
        price_kind,
        CASE WHEN notional > 0 THEN TRY_CAST(ROUND(notional * 1000000) AS BIGINT) END AS usd_e6
    FROM stored
    WHERE EPOCH_US(ts) < $end_us
)

SELECT
    filename,
    EPOCH_US(MIN(ts)) AS first_us,
    EPOCH_US(MAX(ts)) AS last_us,
    COUNT(*) AS events,
    CAST(COALESCE(SUM(usd_e6), 0) AS BIGINT) AS notional_e6,
    CAST(SUM(CASE WHEN completeness = 'full' THEN 1 ELSE 0 END) AS BIGINT) AS full_events,
    CAST(SUM(CASE WHEN price_kind = 'fill' THEN 1 ELSE 0 END) AS BIGINT) AS fill_events,
    COUNT(*) - COUNT(usd_e6) AS amountless
FROM amounts
GROUP BY filename
ORDER BY filename
