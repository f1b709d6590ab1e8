-- Add up each cluster per exchange and position; every bin is in one cluster at the most.
--
-- reads   cluster_bins (bin, exchange, position, notional_e6, events, first_us, last_us, weight_e6), cluster_bands (band, low_bin, high_bin)
-- gives   band BIGINT; exchange VARCHAR; position VARCHAR; notional_e6 BIGINT [1e-6 USD]; events BIGINT; first_us BIGINT [µs]; last_us BIGINT [µs]; weight_e6 BIGINT [1e-6 USD]
-- order   cluster_bands.band, cluster_bins.exchange, cluster_bins.position   (total: the three are unique)
SELECT
    cluster_bands.band,
    cluster_bins.exchange,
    cluster_bins.position,
    CAST(SUM(cluster_bins.notional_e6) AS BIGINT) AS notional_e6,
    CAST(SUM(cluster_bins.events) AS BIGINT) AS events,
    MIN(cluster_bins.first_us) AS first_us,
    MAX(cluster_bins.last_us) AS last_us,
    CAST(SUM(cluster_bins.weight_e6) AS BIGINT) AS weight_e6
FROM cluster_bins
INNER JOIN cluster_bands
    ON cluster_bins.bin >= cluster_bands.low_bin AND cluster_bins.bin < cluster_bands.high_bin
GROUP BY cluster_bands.band, cluster_bins.exchange, cluster_bins.position
ORDER BY cluster_bands.band, cluster_bins.exchange, cluster_bins.position
