-- Sum liquidations per ring of distance from the last price, and position.
--
-- Ring k holds the prices from last x (1 + k x step) up to the start of ring k + 1: negative rings lie below the last
-- price, an event at the last price itself is in ring 0. The step is a fraction, so the edge of a ring is the same double
-- wherever it is computed; the first guess of k can be off by one, and comparing with the edge corrects it. The edge of
-- ring 0 is the last price unchanged: multiplying and dividing could return a neighboring double.
--
-- reads   liquidations (price, position, notional_e6)
-- param   $last_price   DOUBLE   the price to measure from [quote]
-- param   $step_num     DOUBLE   width of a ring, numerator (an integer)
-- param   $step_den     DOUBLE   width of a ring, denominator (an integer)
-- param   $price_low    DOUBLE   lowest price, inclusive [quote]
-- param   $price_high   DOUBLE   highest price, exclusive [quote]
-- gives   ring BIGINT; position VARCHAR; notional_e6 BIGINT [1e-6 USD]; events BIGINT
-- order   ring, position   (total: the pair is unique)
WITH guessed AS (
    SELECT
        FLOOR((price / $last_price - 1) * $step_den / $step_num) AS k,
        price,
        position,
        notional_e6
    FROM liquidations
    WHERE price >= $price_low AND price < $price_high
),

ringed AS (
    SELECT
        CAST(
            CASE
                WHEN price < $last_price * ($step_den + k * $step_num) / $step_den THEN k - 1
                WHEN price >= $last_price * ($step_den + (k + 1) * $step_num) / $step_den THEN k + 1
                ELSE k
            END AS BIGINT
        ) AS ring,
        price,
        position,
        notional_e6
    FROM guessed
),

sided AS (
    SELECT
        CASE WHEN price < $last_price THEN LEAST(ring, -1) ELSE GREATEST(ring, 0) END AS ring,
        position,
        notional_e6
    FROM ringed
)

SELECT
    ring,
    position,
    CAST(SUM(notional_e6) AS BIGINT) AS notional_e6,
    COUNT(*) AS events
FROM sided
GROUP BY ring, position
ORDER BY ring, position
