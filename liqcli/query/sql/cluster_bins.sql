-- Sum the events per fine price bin and exchange: everything clusters are computed from, in one scan.
--
-- Bins are those of heatmap.sql, but of a width that depends on the events alone. The recent notional is halved for each
-- half-life between the event and the newest event. Its square root is the weight of an order in the search: a hundred
-- orders weigh ten times as much as one of the same total. Both are rounded per event, so that the sums do not depend on
-- the order of the rows.
--
-- POWER rounds the last bit differently in C and in Java, unless both arguments and the result are whole numbers. So the
-- weight is a Taylor series of exp(-y), whose operations every engine rounds alike, divided by a whole power of two.
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
WITH aged AS (
    SELECT
        ts_us,
        exchange,
        position,
        price,
        notional_e6,
        FLOOR(price * $bin_den / $bin_num) AS k,
        CASE WHEN $half_life_us > 0 THEN ($newest_us - ts_us) / $half_life_us ELSE 0 END AS half_lives
    FROM liquidations
    WHERE price >= $price_low AND price < $price_high
),

-- y is ln 2 times the half-lives beyond a whole number of them, between -0.35 and 0.35
split AS (
    SELECT
        *,
        LEAST(FLOOR(half_lives + 5E-1), 1000) AS halvings,
        (half_lives - FLOOR(half_lives + 5E-1)) * 6.931471805599453E-1 AS y
    FROM aged
),

guessed AS (
    SELECT
        ts_us,
        exchange,
        position,
        price,
        notional_e6,
        k,
        CASE
            WHEN $half_life_us > 0
                THEN CAST(ROUND(notional_e6 * (
                    1 - y * (1 - y / 2 * (1 - y / 3 * (1 - y / 4 * (1 - y / 5 * (1 - y / 6 * (1 - y / 7 * (
                        1 - y / 8 * (1 - y / 9 * (1 - y / 10 * (1 - y / 11 * (1 - y / 12 * (1 - y / 13))))))))))))
                ) / POWER(2E0, halvings)) AS BIGINT)
            ELSE notional_e6
        END AS recent_e6
    FROM split
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
