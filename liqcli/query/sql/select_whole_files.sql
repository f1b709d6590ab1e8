-- Select the events of files that count as a whole: all rows inside the window, no other source better at any time.
--
-- Exchange and symbol are the folders of the file. Amounts are those of select_liquidations.sql, without its join, which
-- takes longer than reading the rows.
--
-- reads   whole_files (the lake's columns and filename)
-- param   $position       VARCHAR   long, short or both
-- param   $min_notional   DOUBLE    smallest event that counts [USD]
-- gives   ts_us BIGINT; exchange VARCHAR; symbol VARCHAR; source VARCHAR; position VARCHAR; price DOUBLE; price_kind VARCHAR; qty DOUBLE; completeness VARCHAR; notional_e6 BIGINT, null where invalid [1e-6 USD]
-- order   none (a set of rows; every query on it sums integers or sorts totally)
SELECT
    EPOCH_US(ts) AS ts_us,
    REGEXP_EXTRACT(filename, 'exchange=([^/]*)/symbol=[^/]*/month=[^/]*/[^/]*$', 1) AS exchange,
    REGEXP_EXTRACT(filename, 'symbol=([^/]*)/month=[^/]*/[^/]*$', 1) AS symbol,
    source,
    position,
    price,
    price_kind,
    qty,
    completeness,
    CASE WHEN notional > 0 THEN TRY_CAST(ROUND(notional * 1000000) AS BIGINT) END AS notional_e6
FROM whole_files
WHERE ($position = 'both' OR position = $position)
    AND COALESCE(NOT (notional > 0 AND notional < $min_notional), TRUE)
