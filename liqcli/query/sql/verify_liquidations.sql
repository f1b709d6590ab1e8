-- Find invalid liquidations: numbers not positive and finite, unknown values, USD that differ from price x qty.
--
-- Price x qty is USD for linear and inverse contracts alike (an inverse qty is USD / price), but only if the quote is a
-- dollar. If contracts and their size explain the USD, the qty is wrong: 'product_explained', a suspicion.
--
-- reads   checked (file, line, instrument, position, price, price_kind, qty, notional, contracts, contract_size, completeness), places (file, in_dollars)
-- param   $largest    DOUBLE   largest valid order [USD]
-- param   $smallest   DOUBLE   smallest valid order [USD]
-- param   $factor     DOUBLE   greatest ratio of USD and price x qty
-- gives   file BIGINT; fault VARCHAR; found BIGINT; first_line BIGINT
-- order   file, fault   (total: one row per file and fault)
WITH checks AS (
    SELECT
        checked.file AS file,
        checked.line AS line,
        COALESCE(instrument, '') = '' AS is_nameless,
        COALESCE(position NOT IN ('long', 'short'), TRUE) AS bad_position,
        COALESCE(price_kind NOT IN ('fill', 'order', 'bankruptcy', 'trigger'), TRUE) AS bad_price_kind,
        COALESCE(completeness NOT IN ('full', 'sampled'), TRUE) AS bad_completeness,
        COALESCE(NOT (price > 0 AND price < CAST('Infinity' AS DOUBLE)), TRUE) AS bad_price,
        COALESCE(NOT (qty > 0 AND qty < CAST('Infinity' AS DOUBLE)), TRUE) AS bad_qty,
        COALESCE(NOT (notional >= $smallest AND notional <= $largest), TRUE) AS bad_notional,
        places.in_dollars AND (notional > price * qty * $factor OR notional * $factor < price * qty) AS is_far,
        COALESCE(contracts * contract_size * price BETWEEN notional / $factor AND notional * $factor, FALSE)
        OR COALESCE(contracts * contract_size BETWEEN notional / $factor AND notional * $factor, FALSE) AS is_explained
    FROM checked
    INNER JOIN places ON checked.file = places.file
),

faults AS (
    SELECT file, line, 'instrument' AS fault FROM checks WHERE is_nameless
    UNION ALL
    SELECT file, line, 'position' AS fault FROM checks WHERE bad_position
    UNION ALL
    SELECT file, line, 'price_kind' AS fault FROM checks WHERE bad_price_kind
    UNION ALL
    SELECT file, line, 'completeness' AS fault FROM checks WHERE bad_completeness
    UNION ALL
    SELECT file, line, 'price' AS fault FROM checks WHERE bad_price
    UNION ALL
    SELECT file, line, 'qty' AS fault FROM checks WHERE bad_qty
    UNION ALL
    SELECT file, line, 'notional' AS fault FROM checks WHERE bad_notional
    UNION ALL
    SELECT file, line, CASE WHEN is_explained THEN 'product_explained' ELSE 'product' END AS fault
    FROM checks
    WHERE is_far AND NOT bad_price AND NOT bad_qty AND NOT bad_notional
)

SELECT
    file,
    fault,
    COUNT(*) AS found,
    MIN(line) AS first_line
FROM faults
GROUP BY file, fault
ORDER BY file, fault
