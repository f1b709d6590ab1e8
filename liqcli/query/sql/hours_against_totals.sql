-- Add up the published totals of each hour, and the stored liquidations of the same minutes.
--
-- Liquidations in minutes without a published total are left out, so that an hour known in part is compared in part.
-- Totals in USD count all contracts of a symbol; those in the exchange's own unit count one instrument, and are compared
-- in that unit. Sums are in 1e-6 of the unit; other_e6 is what is stored in the other one of USD and coins. Sides are in
-- USD, and complete only with has_sides. Invalid amounts, which verify reports, are left out.
--
-- reads   stored_totals (ts, interval_s, long_usd, short_usd, total_usd, instrument, native_unit, total_native, filename), totals_files (filename, exchange, symbol), liquidations (ts, exchange, symbol, instrument, position, qty, notional)
-- param   $start_us  BIGINT  first instant of totals and liquidations, inclusive [µs]
-- param   $end_us    BIGINT  last instant, exclusive [µs]
-- gives   exchange VARCHAR; symbol VARCHAR; instrument VARCHAR; native_unit VARCHAR; hour_us BIGINT [µs UTC]; seconds BIGINT; published_e6 BIGINT; stored_e6 BIGINT; other_e6 BIGINT; has_sides BOOLEAN; published_long_e6 BIGINT; stored_long_e6 BIGINT; published_short_e6 BIGINT; stored_short_e6 BIGINT
-- order   exchange, symbol, instrument, native_unit, hour_us   (total: one row per exchange, symbol, instrument, unit and hour)
WITH published AS (
    SELECT
        totals_files.exchange AS exchange,
        totals_files.symbol AS symbol,
        COALESCE(stored_totals.instrument, '') AS instrument,
        COALESCE(stored_totals.native_unit, '') AS native_unit,
        EPOCH_US(stored_totals.ts) AS ts_us,
        stored_totals.interval_s * 1000000 AS step_us,
        TRY_CAST(ROUND(COALESCE(stored_totals.total_native, stored_totals.total_usd) * 1000000) AS BIGINT) AS all_e6,
        TRY_CAST(ROUND(stored_totals.long_usd * 1000000) AS BIGINT) AS long_e6,
        TRY_CAST(ROUND(stored_totals.short_usd * 1000000) AS BIGINT) AS short_e6
    FROM stored_totals
    INNER JOIN totals_files ON stored_totals.filename = totals_files.filename
    WHERE EPOCH_US(stored_totals.ts) >= $start_us AND EPOCH_US(stored_totals.ts) < $end_us
),

steps AS (
    SELECT DISTINCT exchange, symbol, instrument, native_unit, step_us FROM published
),

events AS (
    SELECT
        steps.exchange AS exchange,
        steps.symbol AS symbol,
        steps.instrument AS instrument,
        steps.native_unit AS native_unit,
        steps.step_us AS step_us,
        EPOCH_US(liquidations.ts) - EPOCH_US(liquidations.ts) % steps.step_us AS ts_us,
        liquidations.position = 'long' AS is_long,
        TRY_CAST(ROUND(liquidations.notional * 1000000) AS BIGINT) AS usd_e6,
        TRY_CAST(ROUND(liquidations.qty * 1000000) AS BIGINT) AS coins_e6
    FROM liquidations
    INNER JOIN steps
        ON liquidations.exchange = steps.exchange
        AND liquidations.symbol = steps.symbol
        AND steps.instrument IN ('', liquidations.instrument)
    WHERE EPOCH_US(liquidations.ts) >= $start_us AND EPOCH_US(liquidations.ts) < $end_us
),

counted AS (
    SELECT
        exchange,
        symbol,
        instrument,
        native_unit,
        step_us,
        ts_us,
        SUM(CASE WHEN native_unit IN ('', 'USD') THEN usd_e6 ELSE coins_e6 END) AS all_e6,
        SUM(CASE WHEN native_unit IN ('', 'USD') THEN coins_e6 ELSE usd_e6 END) AS other_e6,
        SUM(CASE WHEN is_long THEN usd_e6 ELSE 0 END) AS long_e6,
        SUM(CASE WHEN is_long THEN 0 ELSE usd_e6 END) AS short_e6
    FROM events
    GROUP BY exchange, symbol, instrument, native_unit, step_us, ts_us
),

compared AS (
    SELECT
        published.exchange AS exchange,
        published.symbol AS symbol,
        published.instrument AS instrument,
        published.native_unit AS native_unit,
        published.ts_us - published.ts_us % 3600000000 AS hour_us,
        published.step_us AS step_us,
        published.all_e6 AS published_e6,
        COALESCE(counted.all_e6, 0) AS stored_e6,
        COALESCE(counted.other_e6, 0) AS other_e6,
        published.long_e6 IS NOT NULL AND published.short_e6 IS NOT NULL AS has_sides,
        COALESCE(published.long_e6, 0) AS published_long_e6,
        COALESCE(counted.long_e6, 0) AS stored_long_e6,
        COALESCE(published.short_e6, 0) AS published_short_e6,
        COALESCE(counted.short_e6, 0) AS stored_short_e6
    FROM published
    LEFT JOIN counted
        ON published.exchange = counted.exchange
        AND published.symbol = counted.symbol
        AND published.instrument = counted.instrument
        AND published.native_unit = counted.native_unit
        AND published.step_us = counted.step_us
        AND published.ts_us = counted.ts_us
    WHERE published.all_e6 IS NOT NULL
)

SELECT
    exchange,
    symbol,
    instrument,
    native_unit,
    hour_us,
    CAST(SUM(step_us) // 1000000 AS BIGINT) AS seconds,
    CAST(SUM(published_e6) AS BIGINT) AS published_e6,
    CAST(SUM(stored_e6) AS BIGINT) AS stored_e6,
    CAST(SUM(other_e6) AS BIGINT) AS other_e6,
    BOOL_AND(has_sides) AS has_sides,
    CAST(SUM(published_long_e6) AS BIGINT) AS published_long_e6,
    CAST(SUM(stored_long_e6) AS BIGINT) AS stored_long_e6,
    CAST(SUM(published_short_e6) AS BIGINT) AS published_short_e6,
    CAST(SUM(stored_short_e6) AS BIGINT) AS stored_short_e6
FROM compared
GROUP BY exchange, symbol, instrument, native_unit, hour_us
ORDER BY exchange, symbol, instrument, native_unit, hour_us
