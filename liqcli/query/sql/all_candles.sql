-- Select every candle of the lake; of two sources with the same candle, the alphabetically first.
--
-- reads   stored_candles (ts, open, high, low, close, volume, taker_buy, filename), candles_files (filename, exchange, symbol, interval, source)
-- gives   ts TIMESTAMP UTC, open time; exchange VARCHAR; symbol VARCHAR; interval VARCHAR; open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE [quote]; volume DOUBLE, taker_buy DOUBLE [base coin]; source VARCHAR
-- order   none (a set of rows, read through a view)
SELECT
    stored_candles.ts,
    candles_files.exchange,
    candles_files.symbol,
    candles_files.interval,
    stored_candles.open,
    stored_candles.high,
    stored_candles.low,
    stored_candles.close,
    stored_candles.volume,
    stored_candles.taker_buy,
    candles_files.source
FROM stored_candles
INNER JOIN candles_files
    ON stored_candles.filename = candles_files.filename
QUALIFY ROW_NUMBER() OVER (
    PARTITION BY candles_files.exchange, candles_files.symbol, candles_files.interval, stored_candles.ts
    ORDER BY candles_files.source
) = 1
