-- Count and sum the window at each distinct price: what the price axis spans, and the tick of its prices.
--
-- reads   liquidations (price, notional_e6)
-- gives   price DOUBLE [quote]; events BIGINT; notional_e6 BIGINT [1e-6 USD]
-- order   price   (total: one row a price)
SELECT
    price,
    COUNT(*) AS events,
    CAST(SUM(notional_e6) AS BIGINT) AS notional_e6
FROM liquidations
GROUP BY price
ORDER BY price
