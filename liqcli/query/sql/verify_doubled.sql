-- Find runs of consecutive rows that all occur more than once: a block written twice, adjacent or far apart.
--
-- Identical rows can be separate events, so a single pair means nothing; many in an unbroken run (in the lake's order) do.
--
-- reads   checked (file, the lake's columns)
-- param   $shortest   BIGINT   least number of different rows in a run
-- gives   file BIGINT; first_us BIGINT [µs]; last_us BIGINT [µs]; doubled BIGINT, different rows of the run; extra BIGINT, excess rows; different BIGINT, different rows of the file
-- order   file, first_place   (total: one row per run)
WITH counted AS (
    SELECT file, ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        COUNT(*) AS copies
    FROM checked
    GROUP BY file, ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
),

numbered AS (
    SELECT
        file,
        EPOCH_US(ts) AS ts_us,
        copies,
        ROW_NUMBER() OVER (
            PARTITION BY file
            ORDER BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
        ) AS place,
        COUNT(*) OVER (PARTITION BY file) AS different
    FROM counted
),

doubles AS (
    SELECT
        file,
        ts_us,
        copies,
        place,
        different,
        place - ROW_NUMBER() OVER (PARTITION BY file ORDER BY place) AS run
    FROM numbered
    WHERE copies > 1
),

runs AS (
    SELECT
        file,
        MIN(place) AS first_place,
        MIN(ts_us) AS first_us,
        MAX(ts_us) AS last_us,
        COUNT(*) AS doubled,
        CAST(SUM(copies - 1) AS BIGINT) AS extra,
        MAX(different) AS different
    FROM doubles
    GROUP BY file, run
    HAVING COUNT(*) >= $shortest
)

SELECT
    file,
    first_us,
    last_us,
    doubled,
    extra,
    different
FROM runs
ORDER BY file, first_place
