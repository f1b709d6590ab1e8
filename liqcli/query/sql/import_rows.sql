-- Count the rows of an imported file, together with those that earlier imports of the same file stored.
--
-- A row that the file held n times then and m times now is counted max(n, m) times, as in merge_union.sql.
--
-- reads   stored (exchange, symbol, the lake's columns, copies), incoming (exchange, symbol, the lake's columns)
-- param   $most_copies   BIGINT   most copies of an identical row
-- gives   exchange VARCHAR; symbol VARCHAR; ts TIMESTAMP; instrument VARCHAR; position VARCHAR; price DOUBLE; price_kind VARCHAR; qty DOUBLE; notional DOUBLE; contracts DOUBLE; contract_size DOUBLE; completeness VARCHAR; event_id VARCHAR; source VARCHAR; copies BIGINT
-- order   every column (total: rows are grouped)
WITH counted AS (
    SELECT
        exchange, symbol, ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        copies
    FROM stored
    UNION ALL
    SELECT
        exchange, symbol, ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
        COUNT(*) AS copies
    FROM incoming
    GROUP BY
        exchange, symbol, ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
)

SELECT
    exchange, symbol, ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source,
    LEAST(MAX(copies), $most_copies) AS copies
FROM counted
GROUP BY exchange, symbol, ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
ORDER BY exchange, symbol, ts, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness, event_id, source
