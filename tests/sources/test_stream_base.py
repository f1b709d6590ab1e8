"""Decoding of frames: the fast decoder gives what the standard library gives, also of what it refuses itself."""

from __future__ import annotations

import json

import pytest

from liqcli.sources.stream_base import read_json

TEXTS = [
    b'{"T": 1796031983636, "p": "60000.0", "x": 59760.25, "n": null, "b": [true, -0.0, 1e-7]}',
    b"123456789012345678901234567890",
    b'"\\ud800"',
    b"[NaN, -Infinity, 1e400]",
    b'{"a": 1, "a": 2}',
    '"é"'.encode("utf-16"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_read_json_gives_what_json_gives(text):
    assert repr(read_json(text)) == repr(json.loads(text))


@pytest.mark.parametrize("text", [b"", b"{", b"pong", b'"\xff"', b"[" * 100_000])
def test_read_json_refuses_what_json_refuses(text):
    with pytest.raises((ValueError, RecursionError)):
        read_json(text)
