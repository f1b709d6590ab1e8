-- Remove the rows that an import stored, except those that other imports or a fetch hold too.
--
-- The lake holds a row as often as the fullest of its files, so without this file as often as the fullest of the others.
-- A row that is stored more often than the file held it comes from elsewhere, and so may any row in a fetched window:
-- all their copies stay.
--
-- reads   stored (the lake's columns), former (the lake's columns), others (the lake's columns, filename), fetched (start_us, end_us)
-- gives   the lake's columns
-- order   every column (total up to identical rows)
WITH counted AS (
    SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        1 AS held, 0 AS formerly, 0 AS elsewhere
    FROM stored
    UNION ALL
    SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        0 AS held, COUNT(*) AS formerly, 0 AS elsewhere
    FROM former
    GROUP BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
    UNION ALL
    SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        0 AS held, 0 AS formerly, COUNT(*) AS elsewhere
    FROM others
    GROUP BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source, filename
),

compared AS (
    SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        CAST(SUM(held) AS BIGINT) AS held,
        MAX(formerly) AS formerly,
        MAX(elsewhere) AS elsewhere
    FROM counted
    GROUP BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
),

kept AS (
    SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        CASE
            WHEN held > formerly THEN held
            WHEN EXISTS (
                SELECT 1
                FROM fetched
                WHERE EPOCH_US(compared.ts) >= fetched.start_us AND EPOCH_US(compared.ts) < fetched.end_us
            ) THEN held
            ELSE LEAST(held, elsewhere)
        END AS copies
    FROM compared
)

SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
FROM (
    SELECT *, UNNEST(GENERATE_SERIES(1, copies)) AS copy_number
    FROM kept
) AS spread
ORDER BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
