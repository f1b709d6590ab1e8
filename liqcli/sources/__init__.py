"""
One folder per exchange or data provider: how to request, parse and normalise its liquidations, candles and streams.

Modules build requests and parse bytes, without any I/O. ``base``, ``market_base`` and ``stream_base`` define the
interfaces, ``contracts``, ``rows``, ``envelope``, ``paging`` and ``stale_answers`` help to implement them, ``registry``
lists all sources. Downloading belongs to ``net``, scheduling and storing to ``ingest``.
"""
