-- Replace the rows of one source inside a window; keep those outside.
--
-- reads   stored (the lake's columns), incoming (the lake's columns)
-- param   $start_us   BIGINT   start of the window, inclusive [µs]
-- param   $end_us     BIGINT   end of the window, exclusive [µs]
-- gives   the lake's columns; identical rows are all kept
-- order   every column (total up to identical rows)
SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
FROM (
    SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
    FROM stored
    WHERE epoch_us(ts) < $start_us OR epoch_us(ts) >= $end_us
    UNION ALL
    SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
    FROM incoming
    WHERE epoch_us(ts) >= $start_us AND epoch_us(ts) < $end_us
) AS both_parts
ORDER BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
