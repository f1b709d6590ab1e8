-- Sum the window per step of time and position.
--
-- reads   liquidations (ts_us, position, notional_e6)
-- param   $step_us    BIGINT   length of a step [µs]
-- param   $cycle_us   BIGINT   steps repeat after this time: a day sums the hours of the day, 0 is none [µs]
-- gives   start_us BIGINT [µs]; position VARCHAR; notional_e6 BIGINT [1e-6 USD]; events BIGINT
-- order   start_us, position   (total: the pair is unique)
WITH stepped AS (
    SELECT
        CASE WHEN $cycle_us > 0 THEN MOD(ts_us, $cycle_us) ELSE ts_us END AS place_us,
        position,
        notional_e6
    FROM liquidations
)

SELECT
    place_us - MOD(place_us, $step_us) AS start_us,
    position,
    CAST(SUM(notional_e6) AS BIGINT) AS notional_e6,
    COUNT(*) AS events
FROM stepped
GROUP BY place_us - MOD(place_us, $step_us), position
ORDER BY start_us, position
