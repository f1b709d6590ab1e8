-- Select the events of a window from files that count only in parts: one source per exchange and instant.
--
-- Rows without a valid amount of USD (missing, not above 0, not finite, or too large for an integer) are not dropped: their
-- amount is null, so that totals.sql finds them. (A comparison would not find NaN: the statistics of a file ignore
-- NaN, and conditions they show to be always true are not evaluated.)
--
-- reads   cut_files (the lake's columns and filename), assigned (filename, exchange, symbol, start_us, end_us)
-- param   $start_us       BIGINT    start of the window, inclusive [µs]
-- param   $end_us         BIGINT    end of the window, exclusive [µs]
-- param   $position       VARCHAR   long, short or both
-- param   $min_notional   DOUBLE    smallest event that counts [USD]
-- gives   ts_us BIGINT; exchange VARCHAR; symbol VARCHAR; source VARCHAR; position VARCHAR; price DOUBLE; price_kind VARCHAR; qty DOUBLE; completeness VARCHAR; notional_e6 BIGINT, null where invalid [1e-6 USD]
-- order   none (a set of rows; every query on it sums integers or sorts totally)
SELECT
    EPOCH_US(cut_files.ts) AS ts_us,
    assigned.exchange,
    assigned.symbol,
    cut_files.source,
    cut_files.position,
    cut_files.price,
    cut_files.price_kind,
    cut_files.qty,
    cut_files.completeness,
    CASE WHEN cut_files.notional > 0 THEN TRY_CAST(ROUND(cut_files.notional * 1000000) AS BIGINT) END AS notional_e6
FROM cut_files
INNER JOIN assigned
    ON cut_files.filename = assigned.filename
WHERE cut_files.ts >= MAKE_TIMESTAMP($start_us)
    AND cut_files.ts < MAKE_TIMESTAMP($end_us)
    AND EPOCH_US(cut_files.ts) >= assigned.start_us
    AND EPOCH_US(cut_files.ts) < assigned.end_us
    AND ($position = 'both' OR cut_files.position = $position)
    AND COALESCE(NOT (cut_files.notional > 0 AND cut_files.notional < $min_notional), TRUE)
