-- Find rows that equal another in all but the time, within a short time: one event, received twice.
--
-- reads   checked (file, line, the lake's columns)
-- param   $reach_us   BIGINT   greatest distance of two such rows [µs]
-- gives   file BIGINT; found BIGINT; first_line BIGINT
-- order   file   (total: one row per file)
WITH timed AS (
    SELECT file, ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        COUNT(*) AS copies,
        MIN(line) AS line
    FROM checked
    GROUP BY file, ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
),

neighbors AS (
    SELECT
        *,
        LAG(EPOCH_US(ts)) OVER (
            PARTITION BY file, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
            ORDER BY ts
        ) AS before_us
    FROM timed
)

SELECT
    file,
    CAST(SUM(copies) AS BIGINT) AS found,
    MIN(line) AS first_line
FROM neighbors
WHERE EPOCH_US(ts) - before_us <= $reach_us
GROUP BY file
ORDER BY file
