-- Select the liquidations of the lake, one source per exchange and instant.
--
-- reads   stored (the lake's columns and filename), assigned (filename, exchange, symbol, start_us, end_us)
-- gives   ts TIMESTAMP UTC; exchange VARCHAR; symbol VARCHAR; instrument VARCHAR; position VARCHAR; price DOUBLE [quote]; price_kind VARCHAR; qty DOUBLE [base coin]; notional DOUBLE [USD]; contracts DOUBLE; contract_size DOUBLE; completeness VARCHAR; event_id VARCHAR; source VARCHAR
-- order   none (a set of rows, read through a view)
SELECT
    stored.ts,
    assigned.exchange,
    assigned.symbol,
    stored.instrument,
    stored.position,
    stored.price,
    stored.price_kind,
    stored.qty,
    stored.notional,
    stored.contracts,
    stored.contract_size,
    stored.completeness,
    stored.event_id,
    stored.source
FROM stored
INNER JOIN assigned
    ON stored.filename = assigned.filename
WHERE EPOCH_US(stored.ts) >= assigned.start_us
    AND EPOCH_US(stored.ts) < assigned.end_us
