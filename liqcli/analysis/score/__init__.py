"""
Score maps of levels and clusters on what happened after they were known.

Arrays in, frozen dataclasses out; nothing here knows a lake or an engine. ``docs/score.md`` has the definitions.
"""
