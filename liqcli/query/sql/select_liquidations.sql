-- Select the events of a window, one source per exchange and instant.
--
-- Rows without a valid amount of USD (missing, not above 0, not finite, or too large for an integer) are not dropped: their
-- amount is null, so that window_count.sql finds them. (A comparison would not find NaN: the statistics of a file ignore
-- NaN, and conditions they show to be always true are not evaluated.)
--
-- reads   stored (the lake's columns and filename), assigned (filename, exchange, symbol, start_us, end_us)
-- param   $start_us       BIGINT    start of the window, inclusive [µs]
-- param   $end_us         BIGINT    end of the window, exclusive [µs]
-- param   $position       VARCHAR   long, short or both
-- param   $min_notional   DOUBLE    smallest event that counts [USD]
-- gives   ts_us BIGINT; exchange VARCHAR; symbol VARCHAR; source VARCHAR; position VARCHAR; price DOUBLE; price_kind VARCHAR; qty DOUBLE; completeness VARCHAR; notional_e6 BIGINT, null where invalid [1e-6 USD]
-- order   none (a set of rows; every query on it sums integers or sorts totally)
SELECT
    EPOCH_US(stored.ts) AS ts_us,
    assigned.exchange,
    assigned.symbol,
    stored.source,
    stored.position,
    stored.price,
    stored.price_kind,
    stored.qty,
    stored.completeness,
    CASE WHEN stored.notional > 0 THEN TRY_CAST(ROUND(stored.notional * 1000000) AS BIGINT) END AS notional_e6
FROM stored
INNER JOIN assigned
    ON stored.filename = assigned.filename
WHERE stored.ts >= MAKE_TIMESTAMP($start_us)
    AND stored.ts < MAKE_TIMESTAMP($end_us)
    AND EPOCH_US(stored.ts) >= assigned.start_us
    AND EPOCH_US(stored.ts) < assigned.end_us
    AND ($position = 'both' OR stored.position = $position)
    AND COALESCE(NOT (stored.notional > 0 AND stored.notional < $min_notional), TRUE)
