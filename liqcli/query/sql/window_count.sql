-- Count the events of the window, and the invalid ones: unknown values, or numbers not positive and finite.
--
-- reads   reported (position, price, price_kind, qty, completeness, notional_e6)
-- gives   events BIGINT; impossible BIGINT
-- order   none (one row)
SELECT
    COUNT(*) AS events,
    COUNT(
        CASE
            WHEN COALESCE(position NOT IN ('long', 'short'), TRUE) THEN 1
            WHEN COALESCE(price_kind NOT IN ('fill', 'order', 'bankruptcy', 'trigger'), TRUE) THEN 1
            WHEN COALESCE(completeness NOT IN ('full', 'sampled'), TRUE) THEN 1
            WHEN COALESCE(ISNAN(price) OR NOT (price > 0 AND price < CAST('Infinity' AS DOUBLE)), TRUE) THEN 1
            WHEN COALESCE(ISNAN(qty) OR NOT (qty > 0 AND qty < CAST('Infinity' AS DOUBLE)), TRUE) THEN 1
            WHEN notional_e6 IS NULL THEN 1
        END
    ) AS impossible
FROM reported
