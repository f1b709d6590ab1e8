-- Sum the events per fine price bin and exchange: everything clusters are computed from, in one scan.
--
-- Bins are those of heatmap.sql, but of a width that depends on the events alone. The recent notional is halved for each
-- half-life between the event and the newest event. Its square root is the weight of an order in the search: a hundred
-- orders weigh ten times as much as one of the same total. Both are rounded per event, so that the sums do not depend on
-- the order of the rows.
--
-- reads   liquidations (ts_us, exchange, position, price, notional_e6)
-- param   $bin_num        DOUBLE   width of a price bin, numerator (an integer) [quote]
-- param   $bin_den        DOUBLE   width of a price bin, denominator (an integer)
-- param   $price_low      DOUBLE   lowest price, inclusive [quote]
-- param   $price_high     DOUBLE   highest price, exclusive [quote]
-- param   $newest_us      BIGINT   time of the newest event [µs]
-- param   $half_life_us   DOUBLE   half-life of the weight, 0 for none [µs]
-- gives   bin BIGINT; exchange VARCHAR; long_e6 BIGINT [1e-6 USD]; short_e6 BIGINT [1e-6 USD]; events BIGINT; first_us BIGINT [µs]; last_us BIGINT [µs]; largest_e6 BIGINT [1e-6 USD]; recent_e6 BIGINT [1e-6 USD]; roots BIGINT, sum of their roots [(1e-6 USD)^0.5]
-- order   bin, exchange   (total: the pair is unique)
WITH guessed AS (
    SELECT
        ts_us,
        exchange,
        position,
        price,
        notional_e6,
        FLOOR(price * $bin_den / $bin_num) AS k,
        CASE
            WHEN $half_life_us > 0
                THEN CAST(ROUND(notional_e6 * POWER(0.5, ($newest_us - ts_us) / $half_life_us)) AS BIGINT)
            ELSE notional_e6
        END AS recent_e6
    FROM liquidations
    WHERE price >= $price_low AND price < $price_high
),

binned AS (
    SELECT
        exchange,
        ts_us,
        CASE WHEN position = 'long' THEN notional_e6 ELSE 0 END AS long_e6,
        CASE WHEN position = 'long' THEN 0 ELSE notional_e6 END AS short_e6,
        notional_e6,
        recent_e6,
        CAST(ROUND(SQRT(recent_e6)) AS BIGINT) AS root,
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
    CAST(SUM(long_e6) AS BIGINT) AS long_e6,
    CAST(SUM(short_e6) AS BIGINT) AS short_e6,
    COUNT(*) AS events,
    MIN(ts_us) AS first_us,
    MAX(ts_us) AS last_us,
    MAX(notional_e6) AS largest_e6,
    CAST(SUM(recent_e6) AS BIGINT) AS recent_e6,
    CAST(SUM(root) AS BIGINT) AS roots
FROM binned
GROUP BY bin, exchange
ORDER BY bin, exchange
