-- Count and sum the events of each price kind.
--
-- reads   liquidations (price_kind, notional_e6)
-- gives   price_kind VARCHAR; events BIGINT; notional_e6 BIGINT [1e-6 USD]
-- order   price_kind   (total: one row per kind)
SELECT
    price_kind,
    COUNT(*) AS events,
    CAST(SUM(notional_e6) AS BIGINT) AS notional_e6
FROM liquidations
GROUP BY price_kind
ORDER BY price_kind
