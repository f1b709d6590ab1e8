-- How many events count in the window, and how many of them carry a word that nobody defined.
--
-- reads   reported (position, price_kind, completeness)
-- gives   events BIGINT; foreign_words BIGINT
-- order   none (one row)
SELECT
    COUNT(*) AS events,
    COUNT(
        CASE
            WHEN position NOT IN ('long', 'short') THEN 1
            WHEN price_kind NOT IN ('fill', 'order', 'bankruptcy', 'trigger') THEN 1
            WHEN completeness NOT IN ('full', 'sampled') THEN 1
        END
    ) AS foreign_words
FROM reported
