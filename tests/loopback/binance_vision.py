"""Test server of data.binance.vision as documented: S3 listing, daily zips, repeated rows, a .CHECKSUM for each."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from loopback.server import Asked, Loopback, Reply
from loopback.truth import Event

HEADER = (
    "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,last_fill_quantity,"
    "accumulated_fill_quantity"
)
ROOT = "data/futures/cm/daily/liquidationSnapshot/"
SIDE_OF = {"long": "SELL", "short": "BUY"}


class BinanceVisionServer(Loopback):
    """``truth``: contract -> events; every row stands twice; ``page`` keys a page of the listing, where it is told."""

    PACE = (20, 2.0)  # nothing is documented: what liqcli grants itself
    BUSY = Reply(503, b"<Error><Code>SlowDown</Code></Error>")
    BUSY_200 = NO_200 = Reply(200, b"<Error><Code>InternalError</Code></Error>")

    def __init__(self, truth: dict[str, list[Event]], page: int = 1000, listed: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.page = page
        self.listed = listed
        self.files: dict[str, bytes] = {}
        for name, events in truth.items():
            days: dict[str, list[str]] = defaultdict(list)
            for event in sorted(events, key=lambda e: e.ts_ms):
                day = f"{datetime.fromtimestamp(event.ts_ms / 1000, tz=UTC):%Y-%m-%d}"
                row = f"{event.ts_ms},{SIDE_OF[event.position]},LIMIT,IOC,{event.contracts + 3},{event.price + 50},"
                days[day] += [f"{row}{event.price},FILLED,1,{event.contracts}"] * 2
            for day, lines in days.items():
                self.pack(f"{ROOT}{name}/{name}-liquidationSnapshot-{day}.zip", [HEADER, *lines])

    def pack(self, key: str, lines: list[str]) -> None:
        """Put a zip with these lines there, and its checksum."""
        file = key.rpartition("/")[2]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(file.replace(".zip", ".csv"), "\n".join(lines) + "\n")
        self.files[key] = packed.getvalue()
        self.files[f"{key}.CHECKSUM"] = f"{hashlib.sha256(packed.getvalue()).hexdigest()}  {file}\n".encode()

    def answer(self, asked: Asked) -> Reply:
        if asked.path.rstrip("/") == "/data.binance.vision":
            if not self.listed:
                return Reply(403, b"<Error><Code>AccessDenied</Code></Error>")
            if asked.params.get("delimiter", "/") != "/":
                return Reply(400, b"<Error><Code>InvalidArgument</Code></Error>")
            return self._list(asked.params.get("prefix", ""), asked.params.get("marker", ""))
        body = self.files.get(asked.path[1:])
        if body is None:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        return Reply(200, body)

    def kind_of(self, asked: Asked) -> str:
        return asked.path.rpartition(".")[2]

    def _list(self, prefix: str, marker: str) -> Reply:
        found: dict[str, str] = {}
        for key in sorted(self.files):
            if key.startswith(prefix):
                rest = key[len(prefix) :]
                folder = prefix + rest.split("/")[0] + "/" if "/" in rest else ""
                found[folder or key] = (
                    f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
                    if folder
                    else f"<Contents><Key>{key}</Key><Size>{len(self.files[key])}</Size></Contents>"
                )
        names = [name for name in sorted(found) if name > marker]
        shown = names[: self.page]
        more = len(names) > len(shown)
        onward = f"<NextMarker>{shown[-1]}</NextMarker>" if more else ""
        body = "".join(found[name] for name in shown)
        return Reply(
            200,
            (
                '<?xml version="1.0"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>data.binance.vision</Name><Prefix>{prefix}</Prefix><Marker>{marker}</Marker>{onward}"
                f"<IsTruncated>{str(more).lower()}</IsTruncated>{body}</ListBucketResult>"
            ).encode(),
        )
