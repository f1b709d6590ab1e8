-- Select every open-interest snapshot of the lake; of two sources with the same one, the alphabetically first.
--
-- reads   stored_open_interest (ts, open_interest, open_interest_usd, filename), open_interest_files (filename, exchange, symbol, source)
-- gives   ts TIMESTAMP UTC; exchange VARCHAR; symbol VARCHAR; open_interest DOUBLE [base coin]; open_interest_usd DOUBLE [USD]; source VARCHAR
-- order   none (a set of rows, read through a view)
SELECT
    stored_open_interest.ts,
    open_interest_files.exchange,
    open_interest_files.symbol,
    stored_open_interest.open_interest,
    stored_open_interest.open_interest_usd,
    open_interest_files.source
FROM stored_open_interest
INNER JOIN open_interest_files
    ON stored_open_interest.filename = open_interest_files.filename
QUALIFY ROW_NUMBER() OVER (
    PARTITION BY open_interest_files.exchange, open_interest_files.symbol, stored_open_interest.ts
    ORDER BY open_interest_files.source
) = 1
