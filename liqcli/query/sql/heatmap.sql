-- Sum liquidated notional per time bucket, price bin and position.
--
-- A bin edge is k * $bin_num / $bin_den: integers below 2^53, so the single division returns the double nearest to the
-- decimal edge. The first guess of k can be off by one, and comparing with the edge corrects it: a price on an edge
-- belongs to the bin above, for every decimal width. Money is summed as integers, so the result does not depend on the
-- order of the rows. Quantities are summed as decimals: first eight places, which exchanges use, then the remainder.
--
-- reads   liquidations (ts_us, price, position, qty, notional_e6)
-- param   $bucket_us    BIGINT   length of a time bucket [µs]
-- param   $bin_num      DOUBLE   width of a price bin, numerator (an integer) [quote]
-- param   $bin_den      DOUBLE   width of a price bin, denominator (an integer)
-- param   $price_low    DOUBLE   lowest price, inclusive [quote]
-- param   $price_high   DOUBLE   highest price, exclusive [quote]
-- gives   bucket_us BIGINT [µs]; bin BIGINT; position VARCHAR; notional_e6 BIGINT [1e-6 USD]; qty DOUBLE [base coin]; events BIGINT
-- order   bucket_us, bin, position   (total: the triple is unique)
WITH guessed AS (
    SELECT
        ts_us - MOD(ts_us, $bucket_us) AS bucket_us,
        FLOOR(price * $bin_den / $bin_num) AS k,
        price,
        position,
        qty,
        notional_e6
    FROM liquidations
    WHERE price >= $price_low AND price < $price_high
),

binned AS (
    SELECT
        bucket_us,
        CAST(
            CASE
                WHEN price < k * $bin_num / $bin_den THEN k - 1
                WHEN price >= (k + 1) * $bin_num / $bin_den THEN k + 1
                ELSE k
            END AS BIGINT
        ) AS bin,
        position,
        qty,
        CAST(qty AS DECIMAL(38, 8)) AS stated_qty,
        notional_e6
    FROM guessed
),

split AS (
    SELECT
        bucket_us,
        bin,
        position,
        stated_qty,
        qty - CAST(stated_qty AS DOUBLE) AS rest,
        notional_e6
    FROM binned
),

summed AS (
    SELECT
        bucket_us,
        bin,
        position,
        CAST(SUM(notional_e6) AS BIGINT) AS notional_e6,
        SUM(stated_qty) AS stated_qty,
        SUM(CAST(rest AS DECIMAL(38, 20))) AS rest_qty,
        COUNT(*) AS events
    FROM split
    GROUP BY bucket_us, bin, position
)

SELECT
    bucket_us,
    bin,
    position,
    notional_e6,
    CAST(stated_qty AS DOUBLE) + CAST(rest_qty AS DOUBLE) AS qty,
    events
FROM summed
ORDER BY bucket_us, bin, position
