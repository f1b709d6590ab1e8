-- Sort the rows of a file.
--
-- reads   incoming (the lake's columns)
-- gives   the lake's columns
-- order   every column (total up to identical rows)
SELECT ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
FROM incoming
ORDER BY ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
