-- Sum the prints of each second, position and price.
--
-- Orders are made of these afterwards, in a fixed order of rows, because a mean price weighted by USD is no sum of integers.
--
-- reads   liquidations (ts_us, position, price, notional_e6)
-- gives   second_us BIGINT [µs]; position VARCHAR; price DOUBLE [quote]; notional_e6 BIGINT [1e-6 USD]
-- order   second_us, position, price   (total: the triple is unique)
SELECT
    ts_us - MOD(ts_us, 1000000) AS second_us,
    position,
    price,
    CAST(SUM(notional_e6) AS BIGINT) AS notional_e6
FROM liquidations
GROUP BY ts_us - MOD(ts_us, 1000000), position, price
ORDER BY second_us, position, price
