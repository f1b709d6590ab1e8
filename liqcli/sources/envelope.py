"""Decode JSON answers: the body itself, and the envelope of code, message and data that exchanges put around it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from liqcli.net.client import BusyError, RefusalError

Payload = Mapping[str, Any]


def decode_json(body: bytes) -> object:
    """
    Decode JSON.

    Raises
    ------
    ValueError
        The body is empty, HTML or truncated; the request is retried.
    """
    if not body.strip():
        raise ValueError("an empty body")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        kind = "an HTML page" if body.lstrip().startswith(b"<") else "broken JSON"
        raise ValueError(f"{kind} instead of JSON ({len(body)} bytes)") from error


def json_envelope(
    ok: str,
    *,
    busy: Collection[str] = (),
    busy_words: Collection[str] = (),
    code: Callable[[Payload], object] = lambda payload: payload["code"],
    message: Collection[str] = ("msg", "message"),
    read: Callable[[Payload], object] = lambda payload: payload.get("data"),
    is_absent: Callable[[str, str], bool] = lambda _code, _text: False,
) -> Callable[[bytes], object]:
    """
    Build the decoder of an exchange that reports errors as a code inside a 200.

    Parameters
    ----------
    ok : str
        Code of success.
    busy, busy_words : collection of str
        Codes, and lower-case words of the message, that mean "too many requests". The request is retried.
    code : callable
        Returns the code of an answer.
    message : collection of str
        Fields of the message. The first non-empty one is used.
    read : callable
        Returns the result from a successful answer.
    is_absent : callable
        Takes code and message; true if the requested contract does not exist. The result is then None.

    Returns
    -------
    decode : callable
        Takes a body and returns the result. Raises ValueError (no envelope: retried),
        :class:`~liqcli.net.client.BusyError` or :class:`~liqcli.net.client.RefusalError`.
    """

    def decode(body: bytes) -> object:
        payload = decode_json(body)
        try:
            found = str(code(payload)) if isinstance(payload, dict) else None
        except KeyError:
            found = None
        if found is None or not isinstance(payload, dict):
            raise ValueError("an answer without a code")
        if found == ok:
            return read(payload)
        text = str(next((payload[name] for name in message if payload.get(name)), ""))
        if found in busy or any(word in text.lower() for word in busy_words):
            raise BusyError(f"busy ({found} {text})")
        if is_absent(found, text):
            return None
        raise RefusalError(f"{found} {text}")

    return decode
