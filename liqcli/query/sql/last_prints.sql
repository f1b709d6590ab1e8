-- The last event of each price kind, the largest of those in one instant: what the last price can be taken from.
--
-- Where perpetuals and dated contracts of a coin are added up, the perpetuals' events alone count: a dated contract
-- trades at a price of its own. Its symbol ends in a dash and the expiry (BTCUSDT-251226).
--
-- reads   liquidations (ts_us, symbol, price, price_kind, notional_e6, exchange)
-- gives   price_kind VARCHAR; ts_us BIGINT [µs]; price DOUBLE [quote]
-- order   price_kind   (total: one row a kind)
WITH marked AS (
    SELECT
        price_kind,
        ts_us,
        price,
        notional_e6,
        exchange,
        CASE WHEN symbol LIKE '%-%' THEN 1 ELSE 0 END AS dated
    FROM liquidations
),

ranked AS (
    SELECT
        price_kind,
        ts_us,
        price,
        ROW_NUMBER() OVER (
            PARTITION BY price_kind
            ORDER BY ts_us DESC, notional_e6 DESC, price DESC, exchange ASC
        ) AS place
    FROM marked
    WHERE dated = (SELECT MIN(dated) FROM marked)
)

SELECT
    price_kind,
    ts_us,
    price
FROM ranked
WHERE place = 1
ORDER BY price_kind
