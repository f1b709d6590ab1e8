-- Sum the window per exchange, symbol, source, position, price kind and completeness.
--
-- An event is invalid if its price, quantity or amount is missing or not positive and finite.
--
-- reads   liquidations (ts_us, exchange, symbol, source, position, price, price_kind, qty, completeness, notional_e6)
-- gives   exchange VARCHAR; symbol VARCHAR; source VARCHAR; position VARCHAR; price_kind VARCHAR; completeness VARCHAR; events BIGINT; notional_e6 BIGINT [1e-6 USD]; invalid BIGINT; largest_e6 BIGINT [1e-6 USD]; first_us BIGINT [µs]; last_us BIGINT [µs]
-- order   exchange, symbol, source, position, price_kind, completeness   (total: the six are unique)
SELECT
    exchange,
    symbol,
    source,
    position,
    price_kind,
    completeness,
    COUNT(*) AS events,
    CAST(COALESCE(SUM(notional_e6), 0) AS BIGINT) AS notional_e6,
    COUNT(
        CASE
            WHEN COALESCE(ISNAN(price) OR NOT (price > 0 AND price < CAST('Infinity' AS DOUBLE)), TRUE) THEN 1
            WHEN COALESCE(ISNAN(qty) OR NOT (qty > 0 AND qty < CAST('Infinity' AS DOUBLE)), TRUE) THEN 1
            WHEN notional_e6 IS NULL THEN 1
        END
    ) AS invalid,
    COALESCE(MAX(notional_e6), 0) AS largest_e6,
    MIN(ts_us) AS first_us,
    MAX(ts_us) AS last_us
FROM liquidations
GROUP BY exchange, symbol, source, position, price_kind, completeness
ORDER BY exchange, symbol, source, position, price_kind, completeness
