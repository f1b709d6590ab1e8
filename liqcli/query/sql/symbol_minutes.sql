-- Sum liquidations per symbol and minute; the prints of one split order count as one order.
--
-- An exchange fills a large forced order in pieces. All prints of one exchange, symbol, position and second are treated
-- as one order: each print sets the bit of its second, so an order counts once however many prints it has, without
-- merging millions of prints row by row. 60 seconds fit into the 63 bits of a positive BIGINT. No order has prints of two
-- symbols, so the sums over all symbols are those of the whole window.
--
-- reads   liquidations (ts_us, exchange, symbol, position, notional_e6)
-- gives   symbol VARCHAR; minute_us BIGINT [µs]; usd_e6 BIGINT, long_e6 BIGINT, short_e6 BIGINT [1e-6 USD]; orders BIGINT; prints BIGINT
-- order   symbol, minute_us   (total: the pair is unique; minutes without a print have none)
WITH legs AS (
    SELECT
        ts_us - MOD(ts_us, 60000000) AS minute_us,
        exchange,
        symbol,
        position,
        SUM(notional_e6) AS usd_e6,
        BIT_COUNT(BIT_OR(CAST(1 AS BIGINT) << (MOD(ts_us, 60000000) // 1000000))) AS orders,
        COUNT(*) AS prints
    FROM liquidations
    GROUP BY ts_us - MOD(ts_us, 60000000), exchange, symbol, position
)

SELECT
    symbol,
    minute_us,
    CAST(SUM(usd_e6) AS BIGINT) AS usd_e6,
    CAST(SUM(CASE WHEN position = 'long' THEN usd_e6 ELSE 0 END) AS BIGINT) AS long_e6,
    CAST(SUM(CASE WHEN position = 'short' THEN usd_e6 ELSE 0 END) AS BIGINT) AS short_e6,
    CAST(SUM(orders) AS BIGINT) AS orders,
    CAST(SUM(prints) AS BIGINT) AS prints
FROM legs
GROUP BY symbol, minute_us
ORDER BY symbol, minute_us
