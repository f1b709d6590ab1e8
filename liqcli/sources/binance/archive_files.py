"""Files of data.binance.vision, for liquidations and candles: a zip with one CSV, and its .CHECKSUM."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from typing import Any, NamedTuple

from liqcli.core.model import Liquidation
from liqcli.net.client import RefusalError
from liqcli.net.request import Request
from liqcli.net.response_body import Body, as_file

TRIES = 4  # attempts until a zip and its checksum must agree
_CHECKSUM = re.compile(rb"^\s*([0-9a-fA-F]{64})\s+\*?(?:\S*/)?(\S+)")


class Checksum(NamedTuple):
    """Content of a ``.CHECKSUM``: SHA-256 of a file, in hex digits, and the file's name."""

    digest: str
    file: str


def decode(body: Body) -> object:
    """
    Decode a zip (as bytes) or a :class:`Checksum`.

    Raises
    ------
    ValueError
        The body is neither; the request is retried.
    """
    if body[:2] == b"PK":
        return body
    if match := _CHECKSUM.match(body):
        return Checksum(match[1].decode().lower(), match[2].decode("utf-8", "replace"))
    raise ValueError(f"neither a zip nor a checksum ({len(body)} bytes, {body[:40].decode('utf-8', 'replace')!r})")


def request_zip(path: str, unchecked: bool = False) -> Generator[Request, Any, Body | None]:
    """
    Request a zip and its checksum until they agree and are of the same file; None if the file does not exist.

    With ``unchecked``, a file without a published checksum is accepted. A matching checksum under another name belongs
    to another file, from a stale cache; it is accepted if each attempt returns the same.

    Raises
    ------
    RefusalError
        They never agree, or there is no checksum.
    """
    misnamed: list[str] = []
    for _ in range(TRIES):
        wanted = yield Request(f"{path}.CHECKSUM", absent=(404,))
        body = yield Request(path, absent=(404,), file=True)
        if body is None:
            return None
        if wanted is None and not unchecked:
            raise RefusalError("there is no checksum to compare the file with")
        if isinstance(body, Checksum):
            continue
        found: Body = body
        digest = hashlib.sha256(found).hexdigest()
        misnamed += [digest] if isinstance(wanted, Checksum) and wanted.digest == digest else []
        if wanted in (None, Checksum(digest, path.rpartition("/")[2])) or misnamed == [digest] * TRIES:
            return found
    raise RefusalError(f"its sha256 differs from its .CHECKSUM ({TRIES} attempts)")


def read_csv(body: Body) -> Iterator[list[str]]:
    """
    Read the rows of the single CSV in a zip, including its header if it has one.

    Raises
    ------
    RefusalError
        The file is not such a zip, although its checksum is right.
    """
    try:
        with zipfile.ZipFile(as_file(body)) as packed, packed.open(packed.namelist()[0]) as file:
            yield from (row for row in csv.reader(io.TextIOWrapper(file, encoding="utf-8")) if row)
    except (zipfile.BadZipFile, OSError, IndexError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise RefusalError(f"the file is not a zip with a CSV ({error})") from error


def drop_repeated_rows(rows: Iterable[Liquidation]) -> tuple[list[Liquidation], int, str]:
    """
    Undo the archive's doubling.

    Returns
    -------
    rows : list of Liquidation
        Remaining rows in order of first appearance.
    dropped : int
        Number of removed rows.
    how : str
        What was done, as a note for the user; empty if no row was repeated.
    """
    counted = Counter(rows)
    if not counted or max(counted.values()) == 1:
        return list(counted), 0, ""
    total = counted.total()
    if all(copies % 2 == 0 for copies in counted.values()):
        kept = [row for row, copies in counted.items() for _ in range(copies // 2)]
        return kept, total - len(kept), "every row appears an even number of times: dropped half of them"
    kept = list(counted)
    return kept, total - len(kept), "some rows appear more than once: kept one of each"
