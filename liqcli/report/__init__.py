"""
Results of one window, and their output: HTML, Markdown, JSON, CSV, Parquet and PNG.

Here belong: loading a window and running its analyses on demand (``window_data``, ``results``), the document that all
text formats share (``document``, ``records``), the captions and hover map of each figure (``*_figure``, registered in
``figures``), and writing files (``output_files``). Numbers are computed in ``analysis``, figures are drawn in
``charts``, and the words on pages that are not computed are in ``templates/``.
"""
