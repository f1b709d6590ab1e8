-- Sum the window per exchange, symbol, source, position, price kind and completeness.
--
-- reads   liquidations (ts_us, exchange, symbol, source, position, price, price_kind, completeness, notional_e6)
-- param   $price_low    DOUBLE   lowest price of the inside_ columns, inclusive [quote]
-- param   $price_high   DOUBLE   highest price of the inside_ columns, exclusive [quote]
-- gives   exchange VARCHAR; symbol VARCHAR; source VARCHAR; position VARCHAR; price_kind VARCHAR; completeness VARCHAR; events BIGINT; notional_e6 BIGINT [1e-6 USD]; inside_events BIGINT; inside_e6 BIGINT [1e-6 USD]; largest_e6 BIGINT [1e-6 USD]; first_us BIGINT [µs]; last_us BIGINT [µs]
-- order   exchange, symbol, source, position, price_kind, completeness   (total: the six are unique)
SELECT
    exchange,
    symbol,
    source,
    position,
    price_kind,
    completeness,
    COUNT(*) AS events,
    CAST(SUM(notional_e6) AS BIGINT) AS notional_e6,
    CAST(SUM(CASE WHEN price >= $price_low AND price < $price_high THEN 1 ELSE 0 END) AS BIGINT) AS inside_events,
    CAST(SUM(CASE WHEN price >= $price_low AND price < $price_high THEN notional_e6 ELSE 0 END) AS BIGINT) AS inside_e6,
    MAX(notional_e6) AS largest_e6,
    MIN(ts_us) AS first_us,
    MAX(ts_us) AS last_us
FROM liquidations
GROUP BY exchange, symbol, source, position, price_kind, completeness
ORDER BY exchange, symbol, source, position, price_kind, completeness
