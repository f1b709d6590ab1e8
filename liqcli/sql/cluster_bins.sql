-- Sum the window per price bin, exchange and position: the profile that clusters are cut from, in one scan.
--
-- Bins as in heatmap.sql. The weight is the notional, halved for each half-life that lies between the event and the
-- newest event; it is rounded for each event, so that the sum knows no order. The squares tell one order from many.
--
-- reads   liquidations (ts_us, exchange, position, price, notional_e6)
-- param   $bin_num        DOUBLE   width of a price bin, numerator (a whole number) [quote]
-- param   $bin_den        DOUBLE   width of a price bin, denominator (a whole number)
-- param   $price_low      DOUBLE   lowest price that is looked at, inside [quote]
-- param   $price_high     DOUBLE   highest price that is looked at, outside [quote]
-- param   $half_life_us   DOUBLE   half-life of the weight, 0 for none [µs]
-- gives   bin BIGINT; exchange VARCHAR; position VARCHAR; notional_e6 BIGINT [1e-6 USD]; events BIGINT; first_us BIGINT [µs]; last_us BIGINT [µs]; weight_e6 BIGINT [1e-6 USD]; squares_e12 DOUBLE, of the weights [1e-12 USD²]
-- order   bin, exchange, position   (total: the three are unique)
WITH newest AS (
    SELECT MAX(ts_us) AS newest_us
    FROM liquidations
    WHERE price >= $price_low AND price < $price_high
),

guessed AS (
    SELECT
        liquidations.ts_us,
        liquidations.exchange,
        liquidations.position,
        liquidations.price,
        liquidations.notional_e6,
        FLOOR(liquidations.price * $bin_den / $bin_num) AS k,
        CASE
            WHEN $half_life_us > 0 THEN CAST(
                ROUND(
                    liquidations.notional_e6
                    * POWER(0.5, (newest.newest_us - liquidations.ts_us) / $half_life_us)
                ) AS BIGINT
            )
            ELSE liquidations.notional_e6
        END AS weight_e6
    FROM liquidations
    CROSS JOIN newest
    WHERE liquidations.price >= $price_low AND liquidations.price < $price_high
),

binned AS (
    SELECT
        ts_us,
        exchange,
        position,
        notional_e6,
        weight_e6,
        CAST(
            CASE
                WHEN price < k * $bin_num / $bin_den THEN k - 1
                WHEN price >= (k + 1) * $bin_num / $bin_den THEN k + 1
                ELSE k
            END AS BIGINT
        ) AS bin
    FROM guessed
)

SELECT
    bin,
    exchange,
    position,
    CAST(SUM(notional_e6) AS BIGINT) AS notional_e6,
    COUNT(*) AS events,
    MIN(ts_us) AS first_us,
    MAX(ts_us) AS last_us,
    CAST(SUM(weight_e6) AS BIGINT) AS weight_e6,
    CAST(SUM(CAST(weight_e6 AS DECIMAL(19, 0)) * CAST(weight_e6 AS DECIMAL(19, 0))) AS DOUBLE) AS squares_e12
FROM binned
GROUP BY bin, exchange, position
ORDER BY bin, exchange, position
