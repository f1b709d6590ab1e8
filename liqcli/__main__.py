"""``python -m liqcli``."""

from liqcli.cli import main

main()
