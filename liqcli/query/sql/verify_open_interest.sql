-- Find invalid snapshots of open interest: no value, not finite, negative, duplicate times.
--
-- Also snapshots possibly of another contract: five times, or a fifth of, the previous one within an hour.
--
-- reads   checked (file, line, ts, open_interest, open_interest_usd)
-- gives   file BIGINT; fault VARCHAR; found BIGINT; first_line BIGINT
-- order   file, fault   (total: one row per file and fault)
WITH checks AS (
    SELECT
        file,
        line,
        ROW_NUMBER() OVER (PARTITION BY file, ts ORDER BY line) > 1 AS is_again,
        EPOCH_US(ts) - LAG(EPOCH_US(ts)) OVER (PARTITION BY file ORDER BY line) <= 3600000000
        AND LEAST(COALESCE(open_interest, open_interest_usd), LAG(COALESCE(open_interest, open_interest_usd)) OVER (PARTITION BY file ORDER BY line)) > 0
        AND (open_interest IS NULL) = (LAG(open_interest) OVER (PARTITION BY file ORDER BY line) IS NULL)
        AND GREATEST(COALESCE(open_interest, open_interest_usd), LAG(COALESCE(open_interest, open_interest_usd)) OVER (PARTITION BY file ORDER BY line))
        > 5 * LEAST(COALESCE(open_interest, open_interest_usd), LAG(COALESCE(open_interest, open_interest_usd)) OVER (PARTITION BY file ORDER BY line)) AS is_jump,
        open_interest IS NULL AND open_interest_usd IS NULL AS is_silent,
        COALESCE(NOT (open_interest >= 0 AND open_interest < CAST('Infinity' AS DOUBLE)), FALSE)
        OR COALESCE(NOT (open_interest_usd >= 0 AND open_interest_usd < CAST('Infinity' AS DOUBLE)), FALSE) AS bad_number
    FROM checked
),

faults AS (
    SELECT file, line, 'twice' AS fault FROM checks WHERE is_again
    UNION ALL
    SELECT file, line, 'silent' AS fault FROM checks WHERE is_silent
    UNION ALL
    SELECT file, line, 'open_interest' AS fault FROM checks WHERE bad_number
    UNION ALL
    SELECT file, line, 'interest_jump' AS fault FROM checks WHERE is_jump AND NOT bad_number
)

SELECT
    file,
    fault,
    COUNT(*) AS found,
    MIN(line) AS first_line
FROM faults
GROUP BY file, fault
ORDER BY file, fault
