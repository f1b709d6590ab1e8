-- Count and sum the events at each distinct price, to choose the price axis and find the tick.
--
-- reads   liquidations (price, notional_e6)
-- gives   price DOUBLE [quote]; events BIGINT; notional_e6 BIGINT [1e-6 USD]
-- order   price   (total: one row per price)
SELECT
    price,
    COUNT(*) AS events,
    CAST(SUM(notional_e6) AS BIGINT) AS notional_e6
FROM liquidations
GROUP BY price
ORDER BY price
