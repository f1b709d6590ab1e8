-- Add the rows of a file to the stored ones, so that adding the same file again changes nothing.
--
-- A row that occurs n times in the file and m times in the lake occurs max(n, m) times afterwards: identical rows inside
-- one file are separate events, the same row in a second file is the same event. $most_copies = 1 is for feeds that
-- cannot send identical rows (Binance: at most one order per symbol and second), where repeats come from the recorder.
--
-- reads   stored (the lake's columns), incoming (the lake's columns)
-- param   $most_copies   BIGINT   most copies of an identical row
-- gives   the lake's columns
-- order   every column (total up to identical rows)
WITH counted AS (
    SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        COUNT(*) AS copies
    FROM stored
    GROUP BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
    UNION ALL
    SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        COUNT(*) AS copies
    FROM incoming
    GROUP BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
),

kept AS (
    SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        LEAST(MAX(copies), $most_copies) AS copies
    FROM counted
    GROUP BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
)

SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
FROM (
    SELECT *, UNNEST(GENERATE_SERIES(1, copies)) AS copy_number
    FROM kept
) AS spread
ORDER BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
