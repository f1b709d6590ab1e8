-- Find invalid totals of liquidations: negative, not finite, missing, not the sum of both sides, duplicate times.
--
-- reads   checked (file, line, ts, interval_s, long_usd, short_usd, total_usd, instrument, native_unit, total_native)
-- gives   file BIGINT; fault VARCHAR; found BIGINT; first_line BIGINT
-- order   file, fault   (total: one row per file and fault)
WITH amounts AS (
    SELECT *, CASE WHEN native_unit IS NULL THEN total_usd ELSE total_native END AS total FROM checked
),

checks AS (
    SELECT
        file,
        line,
        ROW_NUMBER() OVER (PARTITION BY file, ts, instrument ORDER BY line) > 1 AS is_again,
        NOT COALESCE(total >= 0 AND total < CAST('Infinity' AS DOUBLE) AND interval_s > 0, FALSE)
        OR NOT COALESCE(long_usd, 0) >= 0
        OR NOT COALESCE(short_usd, 0) >= 0
        OR COALESCE(ABS(long_usd + short_usd - total_usd) > 0.000001 * total_usd + 0.000001, FALSE) AS bad_number
    FROM amounts
),

faults AS (
    SELECT file, line, 'twice' AS fault FROM checks WHERE is_again
    UNION ALL
    SELECT file, line, 'total' AS fault FROM checks WHERE bad_number
)

SELECT
    file,
    fault,
    COUNT(*) AS found,
    MIN(line) AS first_line
FROM faults
GROUP BY file, fault
ORDER BY file, fault
