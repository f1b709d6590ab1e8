"""Compute and check the columns of many liquidations at once, with the same results as row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from liqcli.core.model import CLOCK_SKEW_US, EARLIEST_US, LARGEST_NOTIONAL, SMALLEST_NOTIONAL
from liqcli.lake.row_blocks import WORDS, block_schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_DIGITS = 16  # of a time in µs since the epoch, 2001 to 2286


class Amounts(NamedTuple):
    """The amounts of each row, shape (n_rows,): price [quote], as stated, contract size, base coins, USD."""

    price: NDArray[np.float64]
    amount: NDArray[np.float64]
    size: NDArray[np.float64]
    qty: NDArray[np.float64]
    notional: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        price: NDArray[np.float64],
        amount: NDArray[np.float64],
        size: NDArray[np.float64],
        in_usd: NDArray[np.bool_],
    ) -> Amounts:
        """Compute coins and USD of amounts that count ``size`` coins each, or ``size`` USD where ``in_usd``."""
        import numpy as np

        units = amount * size
        if not in_usd.any():
            return cls(price, amount, size, units, price * units)
        return cls(price, amount, size, np.where(in_usd, units / price, units), np.where(in_usd, units, price * units))


def read_us(texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read times of 16 digits [µs]; the second array is False where a text is anything else."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = np.asarray(pc.equal(pc.binary_length(texts), _DIGITS)) & np.asarray(pc.ascii_is_decimal(texts))
    if not plain.all():
        texts = pc.if_else(pa.array(plain), texts, "0" * _DIGITS)
    return np.asarray(texts.cast(pa.int64())), plain


def is_sound(ts: NDArray[np.int64], amounts: Amounts, now_us: int) -> NDArray[np.bool_]:
    """Return which rows :func:`~liqcli.core.model.find_fault` finds nothing wrong with."""
    import numpy as np

    sound = (ts >= EARLIEST_US) & (ts <= now_us + CLOCK_SKEW_US)
    for number in (amounts.price, amounts.amount, amounts.qty):
        sound &= (number > 0) & (number < np.inf)  # False for NaN
    sound &= (amounts.notional >= SMALLEST_NOTIONAL) & (amounts.notional <= LARGEST_NOTIONAL)
    return sound


def build_block(
    sound: NDArray[np.bool_],
    ts: NDArray[np.int64],
    amounts: Amounts,
    *,
    contracts: pa.Array,
    contract_size: pa.Array,
    words: Mapping[str, tuple[NDArray[np.signedinteger], Sequence[str]]],
    event_id: pa.Array,
) -> pa.Table:
    """
    Build a block of the sound rows.

    Parameters
    ----------
    contracts, contract_size : array of double
        As stated, null where a row does not count contracts.
    words : mapping
        Column -> codes, shape (n_rows,), and the text of each code.
    event_id : array of text
        Empty texts become nulls.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    arrays = {
        "ts": pa.array(ts).cast(pa.timestamp("us")),
        "price": pa.array(amounts.price),
        "qty": pa.array(amounts.qty),
        "notional": pa.array(amounts.notional),
        "contracts": contracts,
        "contract_size": contract_size,
        "event_id": pc.if_else(pc.equal(event_id, ""), pa.scalar(None, pa.string()), event_id),
    }
    for word in WORDS:
        codes, names = words[word]
        texts = {name: code for code, name in enumerate(dict.fromkeys(names))}  # each text has one code
        codes = np.array([texts[name] for name in names], np.int32)[codes]
        arrays[word] = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(texts), pa.string()))
    block = pa.table([arrays[name] for name in block_schema().names], schema=block_schema())
    return block if sound.all() else block.filter(pa.array(sound))
