"""The COIN-M archive; the rows are those of peers.md section 6, number 11."""

import hashlib
from collections import Counter

import pytest
from loopback.binance_vision import BinanceVisionServer
from loopback.scenes import DAY_US, HOUR_US, be_swift, every_file, point, stored
from loopback.truth import make_events

from liqcli.core.errors import ExitCode, UsageError
from liqcli.core.model import Window
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.sources.binance import archive as binance_archive
from liqcli.sources.binance import archive_files
from liqcli.sources.binance.archive import COLUMNS, parse_row, symbol_of_file
from liqcli.sources.binance.archive_files import drop_repeated_rows

ROWS = [
    "1687656471926,BUY,LIMIT,IOC,7,30741.3,30631.6,FILLED,6,7",
    "1687656471926,BUY,LIMIT,IOC,7,30741.3,30631.6,FILLED,6,7",
    "1687656473356,BUY,LIMIT,IOC,43,30756.6,30631.6,FILLED,1,43",
    "1687656473356,BUY,LIMIT,IOC,43,30756.6,30631.6,FILLED,1,43",
]


def parse(line):
    return parse_row(dict(zip(COLUMNS, line.split(","), strict=True)), "BTCUSD_PERP")


def test_two_short_liquidations_of_50_contracts():
    rows, dropped, how = drop_repeated_rows(parse(line) for line in ROWS)
    assert [row.position for row in rows] == ["short", "short"]
    assert sum(row.contracts for row in rows) == 50
    assert sum(row.notional for row in rows) == 5000
    assert dropped == 2
    assert "half" in how
    first = rows[0]
    assert (first.symbol, first.instrument, first.source, first.completeness) == (
        "BTCUSD",
        "BTCUSD_PERP",
        "binance-vision",
        "sampled",
    )
    assert (first.price, first.price_kind, first.ts_us) == (30631.6, "fill", 1_687_656_471_926_000)
    assert first.qty == pytest.approx(700 / 30631.6, rel=1e-12)


def test_a_genuine_twin_among_doubled_rows_survives():
    rows, dropped, _ = drop_repeated_rows(parse(line) for line in [*ROWS, ROWS[0], ROWS[0]])
    assert [row.contracts for row in rows] == [7, 7, 43]
    assert dropped == 3


def test_uneven_doubling_leaves_one_each():
    rows, dropped, how = drop_repeated_rows(parse(line) for line in ROWS[:3])
    assert [row.contracts for row in rows] == [7, 43]
    assert dropped == 1
    assert "one of each" in how


def test_nothing_doubled_nothing_said():
    rows, dropped, how = drop_repeated_rows([parse(ROWS[0])])
    assert (len(rows), dropped, how) == (1, 0, "")
    assert drop_repeated_rows([]) == ([], 0, "")


def test_other_coins_are_10_usd_a_contract():
    cells = dict(zip(COLUMNS, ROWS[0].split(","), strict=True))
    assert parse_row(cells, "ETHUSD_PERP").notional == 70


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSD_PERP-liquidationSnapshot-2023-06-25.zip", "BTCUSD_PERP"),
        ("ETHUSD_230929-liquidationSnapshot-2023-06-25.csv", "ETHUSD_230929"),
        ("trades.zip", None),
    ],
)
def test_symbol_of_file(name, symbol):
    assert symbol_of_file(name) == symbol


# ------------------------------------------------------------------------------------------ fetched

START = 1_704_067_200 * 1_000_000  # 2024-01-01
DAYS = Window(START, START + 3 * DAY_US)
FIVE_HOURS = Window(START + 20 * HOUR_US, START + 25 * HOUR_US)  # over midnight


def truth():
    """2024-01-01 and -02; nothing on -03 (no file). Events of 100 USD a contract for BTC, 10 for ETH."""
    btc = [event for event in make_events(FIVE_HOURS, 11, busy=60) if DAYS.contains(event.ts_ms * 1000)]
    return {"BTCUSD_PERP": btc, "ETHUSD_PERP": btc[:30], "BTCUSD_240329": btc[:5]}


def expected(events, face):
    """Contracts x face value in USD; coins by price."""
    return Counter(
        (e.ts_ms * 1000, e.position, float(e.price), e.contracts * face / float(e.price), float(e.contracts * face))
        for e in events
    )


@pytest.fixture(autouse=True)
def _swift(monkeypatch):
    be_swift(monkeypatch)


def fetch_days(lake, symbols=("BTCUSD", "ETHUSD")):
    return fetch(Lake(lake), DAYS, symbols, ["binance-vision"])


def test_lake_equals_truth(monkeypatch, lake):
    """Doubled rows undone, twins kept, the day without a file unknown and asked again, the others not."""
    with BinanceVisionServer(truth()) as server:
        point(monkeypatch, binance_vision=server.url)
        summary = fetch_days(lake)
        assert stored(lake, "BTCUSD") == expected(truth()["BTCUSD_PERP"], 100)
        assert stored(lake, "ETHUSD") == expected(truth()["ETHUSD_PERP"], 10)
        assert max(stored(lake, "BTCUSD").values()) > 1, "the truth has no twins"
        assert summary.exit_code == ExitCode.PARTIAL
        assert "no file" in summary.rows[0].troubles[0]
        assert "2024-01-03.zip" in summary.rows[0].troubles[0]
        assert summary.rows[0].skipped == len(truth()["BTCUSD_PERP"])
        assert Lake(lake).read_fetch_log("binance", "BTCUSD", "binance-vision").missing(DAYS) == [
            Window(START + 2 * DAY_US, DAYS.end_us)
        ]
        before = every_file(lake)
        server.asked.clear()
        fetch_days(lake)
        assert [asked.path for asked in server.asked] == ["/data.binance.vision"] * 3
        assert every_file(lake) == before


def test_days_known_are_not_asked(monkeypatch, lake):
    known = Window(START, START + 2 * DAY_US)
    with BinanceVisionServer(truth()) as server:
        point(monkeypatch, binance_vision=server.url)
        assert fetch(Lake(lake), known, ["BTCUSD"], ["binance-vision"]).exit_code == ExitCode.DONE
        asked = len(server.asked)
        assert fetch(Lake(lake), known, ["BTCUSD"], ["binance-vision"]).exit_code == ExitCode.DONE
        assert len(server.asked) == asked


def test_listing_goes_on_behind_a_page(monkeypatch, lake):
    with BinanceVisionServer(truth(), page=1) as server:
        point(monkeypatch, binance_vision=server.url)
        fetch_days(lake)
    assert stored(lake, "BTCUSD") == expected(truth()["BTCUSD_PERP"], 100)


def test_a_checksum_that_stays_wrong_is_a_gap(monkeypatch, lake):
    """The day is not stored, it is named, and the other day is."""
    with BinanceVisionServer(truth()) as server:
        name = f"{binance_archive.FOLDER}BTCUSD_PERP/BTCUSD_PERP-liquidationSnapshot-2024-01-01.zip"
        server.files[f"{name}.CHECKSUM"] = b"0" * 64 + b"  file.zip\n"
        point(monkeypatch, binance_vision=server.url)
        summary = fetch_days(lake, ["BTCUSD"])
        assert len(server.paths("2024-01-01.zip")) == archive_files.TRIES
    assert summary.exit_code == ExitCode.PARTIAL
    assert "2024-01-01.zip: its sha256 differs from its .CHECKSUM" in summary.rows[0].troubles[0]
    second = [e for e in truth()["BTCUSD_PERP"] if e.ts_ms * 1000 >= START + DAY_US]
    assert stored(lake, "BTCUSD") == expected(second, 100)


def test_a_file_under_the_checksum_of_another_is_asked_again():
    """The file of the 2nd came for the 1st, its checksum with it: they agree, and the name does not."""
    first, second = (f"BTCUSD_PERP-liquidationSnapshot-2024-01-0{day}.zip" for day in (1, 2))
    path = f"/{binance_archive.FOLDER}BTCUSD_PERP/{first}"

    def answers(content, name):
        return archive_files.Checksum(hashlib.sha256(content).hexdigest(), name), content

    def ask(*pairs):
        asking = archive_files.request_zip(path)
        next(asking)
        said = [half for pair in pairs for half in pair]
        for number, half in enumerate(said, start=1):
            try:
                asking.send(half)
            except StopIteration as end:
                return end.value, number
        return None, len(said)

    stale, right = answers(b"PK two", second), answers(b"PK one", first)
    assert ask(right) == (b"PK one", 2)
    assert ask(stale, right) == (b"PK one", 4)
    assert ask(stale, stale, answers(b"PK 3", "third.zip"), right) == (b"PK one", 8)
    assert ask(*[stale] * 4) == (b"PK two", 8), "said each time: this archive names its files otherwise"
    digest = "0123456789abcdef" * 4
    for line in (f"{digest}  a.zip", f"{digest.upper()} *a.zip\n", f"{digest}  data/futures/a.zip"):
        assert archive_files.decode(line.encode()) == (digest, "a.zip")


def test_files_without_a_header_and_orders_that_filled_nothing(monkeypatch, lake):
    """An order that expired unfilled is passed over, its two rows are no damage; the other one is 43 x 100 USD."""
    expired = "1704070800000,SELL,LIMIT,IOC,9,42000.5,0,EXPIRED,0,0"
    filled = "1704070801000,BUY,LIMIT,IOC,43,42000.5,42010,FILLED,1,43"
    with BinanceVisionServer(truth()) as server:
        day = f"{binance_archive.FOLDER}BTCUSD_PERP/BTCUSD_PERP-liquidationSnapshot-2024-01-01.zip"
        server.pack(day, [expired, filled] * 2)
        point(monkeypatch, binance_vision=server.url)
        summary = fetch(Lake(lake), Window(START, START + DAY_US), ["BTCUSD"], ["binance-vision"])
    assert summary.exit_code == ExitCode.DONE
    assert summary.rows[0].rejected == 0
    assert stored(lake, "BTCUSD") == {(1_704_070_801_000_000, "short", 42010.0, 4300 / 42010, 4300.0): 1}


def test_other_columns_are_a_gap(monkeypatch, lake):
    with BinanceVisionServer(truth()) as server:
        day = f"{binance_archive.FOLDER}BTCUSD_PERP/BTCUSD_PERP-liquidationSnapshot-2024-01-01.zip"
        server.pack(day, ["time,price", "1704070800000,1"])
        point(monkeypatch, binance_vision=server.url)
        assert "does not have the columns" in fetch_days(lake, ["BTCUSD"]).rows[0].troubles[0]


def test_without_a_listing_the_days_are_asked_by_name(monkeypatch, lake):
    """Some networks refuse the host of the listing: what is there comes all the same, checked; the rest is unknown."""
    with BinanceVisionServer(truth(), listed=False) as server:
        point(monkeypatch, binance_vision=server.url)
        summary = fetch_days(lake)
        assert len(server.paths(".CHECKSUM")) == 6
    assert stored(lake, "BTCUSD") == expected(truth()["BTCUSD_PERP"], 100)
    assert stored(lake, "ETHUSD") == expected(truth()["ETHUSD_PERP"], 10)
    assert "2024-01-03.zip" in summary.rows[0].troubles[0]


def test_the_listing_of_another_contract_is_asked_again(monkeypatch, lake):
    """A cache that says BTC's files for ETH: taken as it is, ETH would have none."""

    class Stale(BinanceVisionServer):
        said = None

        def answer(self, asked):
            reply = super().answer(asked)
            if asked.params.get("prefix", "").endswith("_PERP/"):
                self.said, before = reply, self.said
                return before or reply
            return reply

    with Stale(truth()) as server:
        point(monkeypatch, binance_vision=server.url)
        fetch_days(lake)
    assert stored(lake, "ETHUSD") == expected(truth()["ETHUSD_PERP"], 10)


def test_linear_contracts_are_not_listed(monkeypatch, lake):
    with BinanceVisionServer(truth()) as server:
        point(monkeypatch, binance_vision=server.url)
        with pytest.raises(UsageError, match=r"unknown symbol 'BTCUSDT'.*did you mean BTCUSD"):
            fetch_days(lake, ["BTCUSDT", "BTCUSD"])


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"<ListBucketResult>", b"{}", b"abc  file.zip"])
def test_garbled_is_asked_again(body):
    with pytest.raises(ValueError, match="neither a zip"):
        binance_archive.decode(body)


def test_window_outside_the_archive_is_said():
    assert "2023-06-25 to 2024-10-14" in binance_archive.find_obstacle(
        Window(START - 400 * DAY_US, START - 399 * DAY_US)
    )
    assert binance_archive.find_obstacle(DAYS) is None
