"""
The Python API: ``Lake``, ``Heatmap`` and ``Levels`` for a window of one symbol, ``Overview`` for one of all symbols.

The command line and the daily run are built on it.

Methods check their arguments, call one function of the packages below and return data. Computing, drawing and
printing belong elsewhere.
"""

from liqcli.api.compare import Comparison as Comparison
from liqcli.api.heatmap import Heatmap as Heatmap
from liqcli.api.lake import Lake as Lake
from liqcli.api.levels import Levels as Levels
from liqcli.api.overview import Overview as Overview
