-- Summarize each file of the lake, for status, for "latest", and for messages about empty windows.
--
-- Rows without a valid amount of USD (missing, not above 0, not finite, or too large for an integer) are counted as amountless.
--
-- reads   stored (ts, notional, completeness, price_kind, filename)
-- param   $end_us   BIGINT   rows from here on are ignored [µs]
-- gives   filename VARCHAR; first_us BIGINT [µs]; last_us BIGINT [µs]; events BIGINT; notional_e6 BIGINT [1e-6 USD]; full_events BIGINT; fill_events BIGINT; amountless BIGINT
-- order   filename   (total: one row per file)
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
