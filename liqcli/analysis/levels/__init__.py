"""
Estimated liquidation levels: where open positions would be liquidated, from open interest and candles.

Everything in this package is an estimate or a formula; realized events are only used to calibrate. ``docs/levels.md``
states the whole model. A run takes four steps: :mod:`steps` aligns candles and open interest, :mod:`lots` places what
opened in each step at exact liquidation prices, :mod:`walk` moves the mass forward in time, :mod:`field` sums it by
price and time. :mod:`calibration` estimates the leverage weights.
"""
