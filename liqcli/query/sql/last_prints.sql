-- The last event of each price kind, the largest of those in one instant: what the last price can be taken from.
--
-- reads   liquidations (ts_us, price, price_kind, notional_e6, exchange)
-- gives   price_kind VARCHAR; ts_us BIGINT [µs]; price DOUBLE [quote]
-- order   price_kind   (total: one row a kind)
WITH ranked AS (
    SELECT
        price_kind,
        ts_us,
        price,
        ROW_NUMBER() OVER (
            PARTITION BY price_kind
            ORDER BY ts_us DESC, notional_e6 DESC, price DESC, exchange ASC
        ) AS place
    FROM liquidations
)

SELECT
    price_kind,
    ts_us,
    price
FROM ranked
WHERE place = 1
ORDER BY price_kind
