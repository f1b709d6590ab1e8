-- Add up the published totals of each hour, and the stored liquidations of the same minutes.
--
-- Liquidations in minutes without a published total are left out, so that an hour known in part is compared in part.
--
-- reads   stored_totals (ts, interval_s, total_usd, filename), totals_files (filename, exchange, symbol), liquidations (ts, exchange, symbol, notional)
-- gives   exchange VARCHAR; symbol VARCHAR; hour_us BIGINT [µs UTC]; seconds BIGINT; published_e6 BIGINT [1e-6 USD]; stored_e6 BIGINT [1e-6 USD]
-- order   exchange, symbol, hour_us   (total: one row per exchange, symbol and hour)
WITH published AS (
    SELECT
        totals_files.exchange AS exchange,
        totals_files.symbol AS symbol,
        EPOCH_US(stored_totals.ts) AS ts_us,
        stored_totals.interval_s * 1000000 AS step_us,
        CAST(ROUND(stored_totals.total_usd * 1000000) AS BIGINT) AS usd_e6
    FROM stored_totals
    INNER JOIN totals_files ON stored_totals.filename = totals_files.filename
),

steps AS (
    SELECT DISTINCT exchange, symbol, step_us FROM published
),

events AS (
    SELECT
        steps.exchange AS exchange,
        steps.symbol AS symbol,
        steps.step_us AS step_us,
        EPOCH_US(liquidations.ts) - EPOCH_US(liquidations.ts) % steps.step_us AS ts_us,
        CAST(ROUND(liquidations.notional * 1000000) AS BIGINT) AS usd_e6
    FROM liquidations
    INNER JOIN steps ON liquidations.exchange = steps.exchange AND liquidations.symbol = steps.symbol
),

counted AS (
    SELECT exchange, symbol, step_us, ts_us, SUM(usd_e6) AS usd_e6
    FROM events
    GROUP BY exchange, symbol, step_us, ts_us
),

compared AS (
    SELECT
        published.exchange AS exchange,
        published.symbol AS symbol,
        published.ts_us - published.ts_us % 3600000000 AS hour_us,
        published.step_us AS step_us,
        published.usd_e6 AS published_e6,
        COALESCE(counted.usd_e6, 0) AS stored_e6
    FROM published
    LEFT JOIN counted
        ON published.exchange = counted.exchange
        AND published.symbol = counted.symbol
        AND published.step_us = counted.step_us
        AND published.ts_us = counted.ts_us
)

SELECT
    exchange,
    symbol,
    hour_us,
    CAST(SUM(step_us) // 1000000 AS BIGINT) AS seconds,
    CAST(SUM(published_e6) AS BIGINT) AS published_e6,
    CAST(SUM(stored_e6) AS BIGINT) AS stored_e6
FROM compared
GROUP BY exchange, symbol, hour_us
ORDER BY exchange, symbol, hour_us
