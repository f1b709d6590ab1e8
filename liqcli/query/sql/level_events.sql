-- Sum liquidations per step of time and position; the prints of one split order count as one order.
--
-- All prints of one exchange, symbol, position and second are treated as one order.
--
-- reads   liquidations (ts_us, exchange, symbol, position, notional_e6)
-- param   $step_us   BIGINT   length of a step [µs]
-- gives   start_us BIGINT [µs]; position VARCHAR; notional_e6 BIGINT [1e-6 USD]; orders BIGINT
-- order   start_us, position   (total: the pair is unique)
WITH ordered AS (
    SELECT
        ts_us - MOD(ts_us, $step_us) AS start_us,
        position,
        SUM(notional_e6) AS usd_e6
    FROM liquidations
    GROUP BY ts_us - MOD(ts_us, $step_us), ts_us // 1000000, exchange, symbol, position
)

SELECT
    start_us,
    position,
    CAST(SUM(usd_e6) AS BIGINT) AS notional_e6,
    COUNT(*) AS orders
FROM ordered
GROUP BY start_us, position
ORDER BY start_us, position
