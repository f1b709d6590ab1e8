-- Find rows of a file that equal another in all but the time, within a short time: one event, received twice.
--
-- A row repeats the one before it, in the file or in the lake, and a stored one right after it, unless it is itself
-- stored. Equal rows of one instant are separate events, so only different times count.
--
-- reads   stored (the lake's columns), incoming (the lake's columns)
-- param   $reach_us   BIGINT   greatest distance of two such rows [µs]
-- gives   the lake's columns; copies BIGINT, number of occurrences in the file
-- order   every column (total: rows are grouped)
WITH timed AS (
    SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        CAST(SUM(is_incoming) AS BIGINT) AS copies,
        MAX(1 - is_incoming) = 1 AS is_stored
    FROM (
        SELECT *, 0 AS is_incoming
        FROM stored
        UNION ALL
        SELECT *, 1 AS is_incoming
        FROM incoming
    ) AS both_sides
    GROUP BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
),

neighbors AS (
    SELECT
        *,
        LAG(EPOCH_US(ts)) OVER same AS before_us,
        LEAD(EPOCH_US(ts)) OVER same AS after_us,
        LEAD(is_stored) OVER same AS after_is_stored
    FROM timed
    WINDOW same AS (
        PARTITION BY instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
        ORDER BY ts
    )
)

SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source, copies
FROM neighbors
WHERE
    copies > 0
    AND (
        EPOCH_US(ts) - before_us <= $reach_us
        OR (NOT is_stored AND after_is_stored AND after_us - EPOCH_US(ts) <= $reach_us)
    )
ORDER BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
