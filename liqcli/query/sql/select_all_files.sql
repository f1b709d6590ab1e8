-- Select the events of a window: those of files that count as a whole, and those of files that count in parts.
--
-- reads   whole_rows (ts_us, exchange, symbol, source, position, price, price_kind, qty, completeness, notional_e6), cut_rows (the same)
-- gives   ts_us BIGINT; exchange VARCHAR; symbol VARCHAR; source VARCHAR; position VARCHAR; price DOUBLE; price_kind VARCHAR; qty DOUBLE; completeness VARCHAR; notional_e6 BIGINT, null where invalid [1e-6 USD]
-- order   none (a set of rows; every query on it sums integers or sorts totally)
SELECT
    ts_us,
    exchange,
    symbol,
    source,
    position,
    price,
    price_kind,
    qty,
    completeness,
    notional_e6
FROM whole_rows
UNION ALL
SELECT
    ts_us,
    exchange,
    symbol,
    source,
    position,
    price,
    price_kind,
    qty,
    completeness,
    notional_e6
FROM cut_rows
