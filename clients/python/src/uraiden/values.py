"""Values of the protocol, read once at the door: what is out of range never gets inside."""

import re
from typing import Final, NewType, TypeAlias

from eth_utils.address import to_checksum_address

Address = NewType("Address", str)
"""The address of an account or contract, in checksum form (EIP-55)."""

TokenAmount: TypeAlias = int
"""An amount of the channel's token in base units, never whole tokens: 0 to 2^192 - 1, as wide as
the contract's."""

BlockNumber: TypeAlias = int
"""The number of a block, 0 to 2^32 - 1, as wide as the contract's."""

MAX_AMOUNT: Final = 2**192 - 1
MAX_BLOCK: Final = 2**32 - 1

_ADDRESS: Final = re.compile(r"[0-9a-fA-F]{40}", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,58}", re.ASCII)


def address(value: object) -> Address:
    """Reads an address in any letter case, `0x` optional.

    Raises `ValueError` for what is none, and for a wrong checksum.

    >>> address("0x70997970c51812dc3a010c7d01b50e0d17dc79c8")
    '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
    >>> address("0x70997970C51812dc3A010C7d01b50e0d17dc79c8")
    Traceback (most recent call last):
    ValueError: '0x70997970C51812dc3A010C7d01b50e0d17dc79c8' is not an address: its checksum ...
    """
    text = value if isinstance(value, str) else ""
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    if not _ADDRESS.fullmatch(digits):
        raise ValueError(f"{repr(value)[:60]} is not an address: 40 hex digits")
    checksummed = to_checksum_address(f"0x{digits.lower()}")
    if digits not in (digits.lower(), digits.upper(), checksummed[2:]):
        raise ValueError(f"{value!r} is not an address: its checksum is wrong, see EIP-55")
    return Address(checksummed)


def amount(value: object) -> TokenAmount:
    """Reads an amount from a number or from decimal digits.

    Raises `ValueError` for a sign, a fraction, and whatever is above 2^192 - 1.

    >>> amount("1000")
    1000
    >>> amount(-1)
    Traceback (most recent call last):
    ValueError: -1 is not an amount in base units: a whole number, 0 to 2^192 - 1
    """
    return _whole(value, MAX_AMOUNT, "an amount in base units: a whole number, 0 to 2^192 - 1")


def price(value: object) -> TokenAmount:
    """Reads a price: an amount above 0. Raises `ValueError` otherwise."""
    found = amount(value)
    if found == 0:
        raise ValueError("0 is not a price: a whole number, 1 to 2^192 - 1")
    return found


def block_number(value: object) -> BlockNumber:
    """Reads the number of a block. Raises `ValueError` for what is none or above 2^32 - 1."""
    return _whole(value, MAX_BLOCK, "a block number, 0 to 4294967295")


def _whole(value: object, highest: int, what: str) -> int:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        number = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        raise ValueError(f"{repr(value)[:60]} is not {what}")
    if not 0 <= number <= highest:
        raise ValueError(f"{repr(value)[:80]} is not {what}")
    return number
