-- What an ordinary minute of the window looks like: medians and median absolute deviations, empty minutes included.
--
-- Medians are the lower ones, so every figure is one that occurred. In a thin window more than half of the minutes are
-- empty and the median and MAD over all of them are 0; the share of empty minutes and the typical order (median over
-- the filled minutes of their mean order) then carry the scale.
--
-- reads   listened (minute_us), minute_sums (minute_us, usd_e6, orders)
-- gives   minutes BIGINT; empty_minutes BIGINT; usd_median BIGINT, usd_mad BIGINT, typical_order BIGINT [1e-6 USD]; orders_median BIGINT; orders_mad BIGINT
-- order   none (one row)
WITH series AS (
    SELECT
        COALESCE(minute_sums.usd_e6, 0) AS usd_e6,
        COALESCE(minute_sums.orders, 0) AS orders
    FROM listened
    LEFT JOIN minute_sums
        ON listened.minute_us = minute_sums.minute_us
),

medians AS (
    SELECT
        COUNT(*) AS minutes,
        SUM(CASE WHEN orders = 0 THEN 1 ELSE 0 END) AS empty_minutes,
        PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY usd_e6) AS usd_median,
        PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY CASE WHEN orders > 0 THEN usd_e6 // orders END) AS typical_order,
        PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY orders) AS orders_median
    FROM series
)

SELECT
    MAX(medians.minutes) AS minutes,
    CAST(MAX(medians.empty_minutes) AS BIGINT) AS empty_minutes,
    MAX(medians.usd_median) AS usd_median,
    PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY ABS(series.usd_e6 - medians.usd_median)) AS usd_mad,
    MAX(medians.typical_order) AS typical_order,
    MAX(medians.orders_median) AS orders_median,
    PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY ABS(series.orders - medians.orders_median)) AS orders_mad
FROM series
CROSS JOIN medians
