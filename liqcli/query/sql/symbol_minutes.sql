-- Sum liquidations per symbol and minute, with orders counted as in cascade_minutes.sql.
--
-- The minutes of one symbol are those that cascade_minutes.sql gives for this symbol alone; summed over the symbols they
-- are those of all of them together.
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
