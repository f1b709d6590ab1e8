"""Read text in blocks of whole lines, numbered exactly as :func:`~liqcli.ingest.files.readers.iter_lines` does."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from liqcli.core.errors import DamagedError
from liqcli.ingest.files.file_kinds import check_text
from liqcli.ingest.files.readers import (
    LONGEST_LINE,
    ReadProgress,
    TextLine,
    describe_damage,
    describe_long_line,
    open_bytes,
    read_head,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class TextBlock:
    """
    Some lines of a text file in UTF-8, separated by line feeds.

    ``number`` of the first line, counted from 1; ``ends`` holds where each line ends in ``content``, without the line
    end. [byte]
    """

    number: int
    content: bytes
    ends: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each line, without the line end. [byte]"""
        import numpy as np

        return np.diff(self.ends, prepend=-1) - 1

    def lines(self, places: NDArray[np.int64]) -> Iterator[TextLine]:
        """Yield the lines at these places of the block that are not blank."""
        for place in places.tolist():
            start = int(self.ends[place - 1]) + 1 if place else 0
            text = self.content[start : self.ends[place]].decode()
            if text.strip():
                yield TextLine(self.number + place, text)

    def from_number(self, number: int) -> TextBlock | None:
        """Return the lines from a line number on; None if there are none."""
        skip = number - self.number
        if skip <= 0:
            return self
        if skip >= len(self.ends):
            return None
        start = int(self.ends[skip - 1]) + 1
        return TextBlock(number, self.content[start:], self.ends[skip:] - start)


def iter_blocks(path: Path, meter: ReadProgress | None = None) -> Iterator[TextBlock]:
    """
    Yield the lines of a text file in blocks; gzip and zip are recognised by their first bytes.

    ``meter`` is updated as the file is read.

    Raises
    ------
    DamagedError
        As by :func:`~liqcli.ingest.files.readers.iter_lines`.
    """
    with describe_damage(path), open_bytes(path, meter or ReadProgress()) as raw:
        head, raw = read_head(raw)
        number = 1
        for content in _cut_at_lines(_translate(_decode(raw, check_text(path, head)))):
            block = _index(number, content)
            _check_lengths(path, block)
            if not content.isascii():
                content.decode()
            yield block
            number += len(block.ends)


def _decode(raw: IO[bytes], encoding: str) -> Iterator[bytes]:
    """Yield the text in UTF-8, without a byte order mark."""
    if encoding == "utf-16":
        decoder = codecs.getincrementaldecoder(encoding)()
        while piece := raw.read(BLOCK_BYTES):
            yield decoder.decode(piece).encode()
        decoder.decode(b"", final=True)
        return
    piece = raw.read(BLOCK_BYTES).removeprefix(codecs.BOM_UTF8)
    while piece:
        yield piece
        piece = raw.read(BLOCK_BYTES)


def _translate(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Replace carriage returns by line feeds, as Python does when it reads text."""
    held = b""  # a carriage return whose line feed may follow
    for piece in pieces:
        whole = held + piece if held else piece
        held = b"\r" if whole.endswith(b"\r") else b""
        if b"\r" in whole:
            whole = whole.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        yield whole
    if held:
        yield b"\n"


def _cut_at_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Cut after the last line end of each piece; only the last block may lack a line end."""
    rest = b""
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        if not end:
            rest += piece
            if len(rest) > 4 * LONGEST_LINE:  # a character has at most 4 bytes
                break
            continue
        yield rest + piece[:end]
        rest = piece[end:]
    if rest:
        yield rest


def _index(number: int, content: bytes) -> TextBlock:
    import numpy as np

    ends = np.flatnonzero(np.frombuffer(content, np.uint8) == ord("\n"))
    return TextBlock(number, content, ends if content.endswith(b"\n") else np.append(ends, len(content)))


def _check_lengths(path: Path, block: TextBlock) -> None:
    import numpy as np

    for place in np.flatnonzero(block.lengths + 1 >= LONGEST_LINE).tolist():
        start = int(block.ends[place - 1]) + 1 if place else 0
        if len(block.content[start : block.ends[place] + 1].decode(errors="replace")) >= LONGEST_LINE:
            raise DamagedError(describe_long_line(path, block.number + place))
