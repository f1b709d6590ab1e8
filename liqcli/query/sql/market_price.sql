-- Move prices that are not fills to the nearest price traded in their minute, if that minute's candle is known.
--
-- reads   reported (ts_us, exchange, symbol, source, position, price, price_kind, qty, completeness, notional_e6), stored_minutes (ts, low, high, filename), minute_files (filename, exchange, symbol)
-- param   $end_us   BIGINT   end of the window: a candle that closes later was not known [µs]
-- gives   ts_us BIGINT; exchange VARCHAR; symbol VARCHAR; source VARCHAR; position VARCHAR; price DOUBLE; price_kind VARCHAR; qty DOUBLE; completeness VARCHAR; notional_e6 BIGINT [1e-6 USD]
-- order   none (a set of rows; every query on it sums integers or sorts totally)
WITH minutes AS (
    SELECT
        minute_files.exchange,
        minute_files.symbol,
        EPOCH_US(stored_minutes.ts) AS minute_us,
        stored_minutes.low,
        stored_minutes.high,
        ROW_NUMBER() OVER (
            PARTITION BY minute_files.exchange, minute_files.symbol, stored_minutes.ts
            ORDER BY stored_minutes.filename
        ) AS place
    FROM stored_minutes
    INNER JOIN minute_files
        ON stored_minutes.filename = minute_files.filename
    WHERE stored_minutes.low > 0
        AND stored_minutes.low <= stored_minutes.high
        AND EPOCH_US(stored_minutes.ts) + 60000000 <= $end_us
)

SELECT
    reported.ts_us,
    reported.exchange,
    reported.symbol,
    reported.source,
    reported.position,
    CASE
        WHEN reported.price_kind NOT IN ('order', 'bankruptcy', 'trigger') OR minutes.low IS NULL THEN reported.price
        WHEN reported.price < minutes.low THEN minutes.low
        WHEN reported.price > minutes.high THEN minutes.high
        ELSE reported.price
    END AS price,
    CASE
        WHEN reported.price_kind NOT IN ('order', 'bankruptcy', 'trigger') OR minutes.low IS NULL THEN reported.price_kind
        ELSE 'market'
    END AS price_kind,
    reported.qty,
    reported.completeness,
    reported.notional_e6
FROM reported
LEFT JOIN minutes
    ON reported.exchange = minutes.exchange
    AND reported.symbol = minutes.symbol
    AND reported.ts_us - MOD(reported.ts_us, 60000000) = minutes.minute_us
    AND minutes.place = 1
