-- Find the last event of each price kind, the largest of those in one instant: candidates for the last price.
--
-- If perpetuals and dated contracts of a coin are summed, only events of perpetuals are used: a dated contract trades at
-- its own price. Its symbol ends in a dash and the expiry (BTCUSDT-251226).
--
-- The newest times come first, and only the events at them are ranked: ranking all events would sort all of them.
--
-- reads   liquidations (ts_us, symbol, price, price_kind, notional_e6)
-- gives   price_kind VARCHAR; ts_us BIGINT [µs]; price DOUBLE [quote]
-- order   price_kind   (total: one row per kind)
WITH marked AS (
    SELECT
        price_kind,
        ts_us,
        price,
        notional_e6,
        CASE WHEN symbol LIKE '%-%' THEN 1 ELSE 0 END AS dated
    FROM liquidations
),

newest AS (
    SELECT
        dated,
        price_kind,
        MAX(ts_us) AS ts_us
    FROM marked
    GROUP BY dated, price_kind
),

ranked AS (
    SELECT
        marked.price_kind,
        marked.ts_us,
        marked.price,
        ROW_NUMBER() OVER (
            PARTITION BY marked.price_kind
            ORDER BY marked.notional_e6 DESC, marked.price DESC
        ) AS place
    FROM marked
    INNER JOIN newest
        ON marked.ts_us = newest.ts_us AND marked.price_kind = newest.price_kind AND marked.dated = newest.dated
    WHERE newest.dated = (SELECT MIN(dated) FROM newest)
)

SELECT
    price_kind,
    ts_us,
    price
FROM ranked
WHERE place = 1
ORDER BY price_kind
