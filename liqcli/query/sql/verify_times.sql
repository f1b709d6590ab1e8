-- Find rows of any kind with an invalid time, order or source.
--
-- reads   checked (file, line, ts, source), places (file, start_us, end_us, source)
-- param   $earliest_us   BIGINT   first valid instant, inclusive [µs]
-- param   $latest_us     BIGINT   last valid instant, inclusive [µs]
-- gives   file BIGINT; fault VARCHAR; found BIGINT; first_line BIGINT
-- order   file, fault   (total: one row per file and fault)
WITH timed AS (
    SELECT
        checked.file AS file,
        checked.line AS line,
        EPOCH_US(checked.ts) AS ts_us,
        LAG(EPOCH_US(checked.ts)) OVER (PARTITION BY checked.file ORDER BY checked.line) AS before_us,
        places.start_us AS start_us,
        places.end_us AS end_us,
        COALESCE(checked.source, '') = places.source AS is_own
    FROM checked
    INNER JOIN places ON checked.file = places.file
),

faults AS (
    SELECT file, line, 'time' AS fault
    FROM timed
    WHERE ts_us IS NULL OR ts_us < $earliest_us OR ts_us > $latest_us
    UNION ALL
    SELECT file, line, 'month' AS fault
    FROM timed
    WHERE ts_us >= $earliest_us AND ts_us <= $latest_us AND (ts_us < start_us OR ts_us >= end_us)
    UNION ALL
    SELECT file, line, 'order' AS fault
    FROM timed
    WHERE ts_us < before_us
    UNION ALL
    SELECT file, line, 'source' AS fault
    FROM timed
    WHERE NOT is_own
)

SELECT
    file,
    fault,
    COUNT(*) AS found,
    MIN(line) AS first_line
FROM faults
GROUP BY file, fault
ORDER BY file, fault
