-- Count and sum the events in a price range; find their lowest and highest price and newest time.
--
-- reads   liquidations (ts_us, price, notional_e6)
-- param   $price_low    DOUBLE   lowest price, inclusive [quote]
-- param   $price_high   DOUBLE   highest price, exclusive [quote]
-- gives   events BIGINT; notional_e6 BIGINT [1e-6 USD]; lowest DOUBLE [quote]; highest DOUBLE [quote]; newest_us BIGINT [µs]
-- order   none (one row)
SELECT
    COUNT(*) AS events,
    CAST(COALESCE(SUM(notional_e6), 0) AS BIGINT) AS notional_e6,
    MIN(price) AS lowest,
    MAX(price) AS highest,
    MAX(ts_us) AS newest_us
FROM liquidations
WHERE price >= $price_low AND price < $price_high
