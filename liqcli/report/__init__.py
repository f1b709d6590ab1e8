"""
The results of one window as files: HTML, Markdown, JSON, CSV, Parquet and pictures.

Builds the document that all text formats share, the words on figures and the hover maps. Numbers are computed in
``analysis``, pixels are drawn in ``charts``.
"""
