-- Find the largest single event of each symbol; of equal ones the earliest, then by exchange, position and price.
--
-- reads   liquidations (ts_us, exchange, symbol, position, price, price_kind, notional_e6)
-- gives   symbol VARCHAR; exchange VARCHAR; position VARCHAR; price DOUBLE [quote]; price_kind VARCHAR; ts_us BIGINT [µs]; notional_e6 BIGINT [1e-6 USD]
-- order   symbol   (total: one row each)
WITH tops AS (
    SELECT
        symbol,
        MAX(notional_e6) AS top_e6
    FROM liquidations
    GROUP BY symbol
),

ranked AS (
    SELECT
        liquidations.symbol,
        liquidations.exchange,
        liquidations.position,
        liquidations.price,
        liquidations.price_kind,
        liquidations.ts_us,
        liquidations.notional_e6,
        ROW_NUMBER() OVER (
            PARTITION BY liquidations.symbol
            ORDER BY liquidations.ts_us, liquidations.exchange, liquidations.position, liquidations.price, liquidations.price_kind
        ) AS place
    FROM liquidations
    INNER JOIN tops
        ON liquidations.symbol = tops.symbol AND liquidations.notional_e6 = tops.top_e6
)

SELECT
    symbol,
    exchange,
    position,
    price,
    price_kind,
    ts_us,
    notional_e6
FROM ranked
WHERE place = 1
ORDER BY symbol
