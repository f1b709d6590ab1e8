"""Recognise files that are neither text nor Parquet by their first bytes, and suggest a conversion."""

from __future__ import annotations

import codecs

from liqcli.core.errors import DamagedError

HEAD_BYTES = 512
SQLITE_MAGIC = b"SQLite format 3\0"

_UNPACK = "unpack it first (only gzip and zip are read directly)"
_EXPORT = "export it as CSV or Parquet"
_PANDAS = "save it as Parquet: df.to_parquet(...)"
# First bytes, kind of file, suggestion.
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x28\xb5\x2f\xfd", "packed with zstd", _UNPACK),
    (b"7z\xbc\xaf", "packed with 7z", _UNPACK),
    (b"Rar!", "packed with rar", _UNPACK),
    (b"BZh", "packed with bzip2", _UNPACK),
    (b"\xfd7zXZ", "packed with xz", _UNPACK),
    (b"\x04\x22\x4d\x18", "packed with lz4", _UNPACK),
    (b"ARROW1", "a Feather (Arrow) file", _PANDAS),
    (b"PARE", "an encrypted Parquet file", _EXPORT),
    (b"FEA1", "a Feather file", _PANDAS),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _PANDAS),
    (b"\x93NUMPY", "a NumPy file", _EXPORT),
    (SQLITE_MAGIC, "a packed SQLite database", _UNPACK),
    (b"ORC", "an ORC file", _EXPORT),
    (b"Obj\x01", "an Avro file", _EXPORT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", "save the sheet as CSV"),
    (b"%PDF", "a PDF", "it contains no readable table"),
    (b"\x89PNG", "a picture", "it contains no readable table"),
)
_PICKLE = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
# Member names of zip files that are documents rather than archives of tables.
_ZIP_KINDS = (
    ("xl/workbook", "an Excel workbook", "save the sheet as CSV"),
    ("content.xml", "an OpenDocument file", "save the sheet as CSV"),
    ("word/document.xml", "a Word document", "save the table as CSV"),
)


def check_text(path: object, head: bytes) -> str:
    """
    Return the encoding of a text file from its first bytes.

    Raises
    ------
    DamagedError
        The file is not text; the message names its kind, if known, and suggests a conversion.
    """
    if kind := name_kind(head):
        raise DamagedError(f"{path}: {kind[0]} cannot be imported; {kind[1]}")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head.split(b"\n", 1)[0]:  # further down it invalidates a row, not the file
        if _looks_utf16(head):
            raise DamagedError(f"{path}: UTF-16 text without a byte order mark; save it as UTF-8")
        raise DamagedError(f"{path}: not text (contains NUL bytes), and no known format; {_EXPORT}")
    return "utf-8-sig"


def name_kind(head: bytes) -> tuple[str, str] | None:
    """Return kind and suggestion for a binary file from its first bytes; None if it may be text."""
    for magic, kind, advice in _KINDS:
        if head.startswith(magic) and (b"\0" in head or not head.isascii() or magic in (b"%PDF", b"Obj\x01")):
            return kind, advice
    if head.startswith(_PICKLE):
        return "a Python pickle", _PANDAS
    if head[8:12] == b"DUCK":
        return "a DuckDB database", "COPY the table TO 'events.parquet'"
    if head[257:262] == b"ustar":
        return "a tar archive", "unpack it first and import its files by name"
    return None


def name_zip(members: list[str]) -> tuple[str, str] | None:
    """Return kind and suggestion for a zip that is a document rather than an archive of tables, from its members."""
    for part, kind, advice in _ZIP_KINDS:
        if any(name.startswith(part) for name in members):
            return kind, advice
    if members and all(name.endswith(".npy") for name in members):
        return "a NumPy archive", _EXPORT
    return None


def _looks_utf16(head: bytes) -> bool:
    """Return whether every other byte is 0, as in Latin text."""
    return len(head) > 8 and (not any(head[1:64:2]) or not any(head[0:64:2]))
