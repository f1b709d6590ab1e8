-- Find invalid candles: prices not positive or outside low..high, negative volume, duplicate times.
--
-- Also candles possibly of another contract: an open more than 20% from the previous close.
--
-- reads   checked (file, line, ts, open, high, low, close, volume), places (file, step_us)
-- gives   file BIGINT; fault VARCHAR; found BIGINT; first_line BIGINT
-- order   file, fault   (total: one row per file and fault)
WITH checks AS (
    SELECT
        checked.file AS file,
        checked.line AS line,
        MOD(EPOCH_US(ts), places.step_us) <> 0 AS is_off_grid,
        ROW_NUMBER() OVER (PARTITION BY checked.file, ts ORDER BY checked.line) > 1 AS is_again,
        COALESCE(
            NOT (
                LEAST(open, high, low, close) > 0
                AND GREATEST(open, high, low, close) < CAST('Infinity' AS DOUBLE)
                AND open IS NOT NULL AND high IS NOT NULL AND low IS NOT NULL AND close IS NOT NULL
            ),
            TRUE
        ) AS bad_price,
        COALESCE(GREATEST(open, close, low) > high OR LEAST(open, close) < low, FALSE) AS is_torn,
        EPOCH_US(ts) - LAG(EPOCH_US(ts)) OVER (PARTITION BY checked.file ORDER BY checked.line) = places.step_us
        AND GREATEST(open, LAG(close) OVER (PARTITION BY checked.file ORDER BY checked.line))
        > 1.2 * LEAST(open, LAG(close) OVER (PARTITION BY checked.file ORDER BY checked.line)) AS is_jump,
        COALESCE(NOT (volume >= 0 AND volume < CAST('Infinity' AS DOUBLE)), FALSE) AS bad_volume
    FROM checked
    INNER JOIN places ON checked.file = places.file
),

faults AS (
    SELECT file, line, 'twice' AS fault FROM checks WHERE is_again
    UNION ALL
    SELECT file, line, 'ohlc' AS fault FROM checks WHERE bad_price
    UNION ALL
    SELECT file, line, 'range' AS fault FROM checks WHERE is_torn AND NOT bad_price
    UNION ALL
    SELECT file, line, 'volume' AS fault FROM checks WHERE bad_volume
    UNION ALL
    SELECT file, line, 'jump' AS fault FROM checks WHERE is_jump AND NOT bad_price
    UNION ALL
    SELECT file, line, 'grid' AS fault FROM checks WHERE is_off_grid
)

SELECT
    file,
    fault,
    COUNT(*) AS found,
    MIN(line) AS first_line
FROM faults
GROUP BY file, fault
ORDER BY file, fault
