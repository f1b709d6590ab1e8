-- Add the rows of a file to what is stored, so that adding the same file again changes nothing.
--
-- A row that stands n times in the file and m times in the lake stands max(n, m) times afterwards: twins inside one
-- file are real events, a row seen again in a second file is the same event. $most_copies = 1 is for feeds that cannot
-- send twins (Binance: at most one order a symbol a second), where every repeat is the recorder's.
--
-- reads   stored (the lake's columns), incoming (the lake's columns)
-- param   $most_copies   BIGINT   how often an identical row may stand at most
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
