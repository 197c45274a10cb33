"""The link of one answer in one mail: it names the delivery, the block and the answer, holds no address, never ends.

Whoever has it can answer for its reader, as whoever has her letter can; what
she answers is an opinion, and no rule of permission reads it.
"""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.foundation import signing

_PURPOSE = "poll"
_NUMBER_BYTES, _BLOCK_BYTES = 8, 5
_SIZE = _NUMBER_BYTES + _BLOCK_BYTES + 1


@dataclass(frozen=True)
class Named:
    """What such a link names; ``choice`` counts from 0."""

    delivery_id: int
    block: str
    choice: int


def token_of(delivery_id: int, block: str, choice: int) -> str:
    """Return the token of one answer; ``block`` is the name of a block, a ``b`` and ten hexadecimal digits."""
    number, of = delivery_id.to_bytes(_NUMBER_BYTES, "big"), bytes.fromhex(block.removeprefix("b"))
    return signing.sealed(_PURPOSE, number + of + bytes([choice]))


def read(token: str) -> Named | None:
    """Return what a token names, or None when it is not one of ours."""
    body = signing.opened(_PURPOSE, token, _SIZE)
    if body is None:
        return None
    block = body[_NUMBER_BYTES:-1].hex()
    return Named(int.from_bytes(body[:_NUMBER_BYTES], "big"), f"b{block}", body[-1])
