-- Summarize each file of the lake, for status, for "latest", and for messages about empty windows.
--
-- Rows without a valid amount of USD (missing, not above 0, not finite, or too large for an integer) are counted as amountless.
--
-- reads   stored (ts, notional, completeness, price_kind, filename)
-- param   $end_us   BIGINT   rows from here on are only counted, as later [µs]
-- gives   filename VARCHAR; first_us BIGINT [µs]; last_us BIGINT [µs]; events BIGINT; notional_e6 BIGINT [1e-6 USD]; full_events BIGINT; fill_events BIGINT; amountless BIGINT; later BIGINT
-- order   filename   (total: one row per file with rows before the end)
WITH amounts AS (
    SELECT
        filename,
        ts,
        completeness,
        price_kind,
        CASE WHEN notional > 0 THEN TRY_CAST(ROUND(notional * 1000000) AS BIGINT) END AS usd_e6,
        CASE WHEN EPOCH_US(ts) < $end_us THEN 1 ELSE 0 END AS known
    FROM stored
)

SELECT
    filename,
    EPOCH_US(MIN(ts)) AS first_us,
    EPOCH_US(MAX(CASE WHEN known = 1 THEN ts END)) AS last_us,
    CAST(SUM(known) AS BIGINT) AS events,
    CAST(COALESCE(SUM(CASE WHEN known = 1 THEN usd_e6 END), 0) AS BIGINT) AS notional_e6,
    CAST(SUM(CASE WHEN completeness = 'full' THEN known ELSE 0 END) AS BIGINT) AS full_events,
    CAST(SUM(CASE WHEN price_kind = 'fill' THEN known ELSE 0 END) AS BIGINT) AS fill_events,
    CAST(SUM(CASE WHEN usd_e6 IS NULL THEN known ELSE 0 END) AS BIGINT) AS amountless,
    COUNT(*) - CAST(SUM(known) AS BIGINT) AS later
FROM amounts
GROUP BY filename
HAVING SUM(known) > 0
ORDER BY filename
