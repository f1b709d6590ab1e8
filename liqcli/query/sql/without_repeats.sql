-- Select the rows of a file except those that equal another in all but the time.
--
-- reads   incoming (the lake's columns), repeats (the lake's columns; see near_repeats.sql)
-- gives   the lake's columns
-- order   every column (total up to identical rows)
SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
FROM incoming
WHERE NOT EXISTS (
    SELECT 1
    FROM repeats
    WHERE
        repeats.ts = incoming.ts
        AND repeats.instrument = incoming.instrument
        AND repeats.position = incoming.position
        AND repeats.price = incoming.price
        AND repeats.price_kind = incoming.price_kind
        AND repeats.qty = incoming.qty
        AND repeats.notional = incoming.notional
        AND repeats.contracts IS NOT DISTINCT FROM incoming.contracts
        AND repeats.contract_size IS NOT DISTINCT FROM incoming.contract_size
        AND repeats.completeness = incoming.completeness
        AND repeats.event_id IS NOT DISTINCT FROM incoming.event_id
        AND repeats.source = incoming.source
)
ORDER BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
