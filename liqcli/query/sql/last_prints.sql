-- Find the last event of each price kind, the largest of those in one instant: candidates for the last price.
--
-- If perpetuals and dated contracts of a coin are summed, only events of perpetuals are used: a dated contract trades at
-- its own price. Its symbol ends in a dash and the expiry (BTCUSDT-251226).
--
-- reads   liquidations (ts_us, symbol, price, price_kind, notional_e6, exchange)
-- gives   price_kind VARCHAR; ts_us BIGINT [µs]; price DOUBLE [quote]
-- order   price_kind   (total: one row per kind)
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
