"""Margin brackets of Aster, in the form of Binance. No live endpoint was called.

exchange: aster
docs: GET https://www.asterdex.com/bapi/futures/v1/friendly/future/common/brackets, as used by others (recorded)
gives: the brackets of all contracts
changed: nothing dated
"""

from __future__ import annotations

from liqcli.sources.binance.margin_tiers import LIMITS, ask, decode
from liqcli.sources.tiers_base import TierSource

SOURCE = TierSource(name="aster", url="https://www.asterdex.com", limits=LIMITS, decode=decode, shared=True, ask=ask)
