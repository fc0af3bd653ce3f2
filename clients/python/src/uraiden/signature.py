"""Signatures as the contract reads them, and who made them."""

import re
from dataclasses import dataclass
from typing import Final

from eth_keys.datatypes import Signature as RecoverableSignature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from uraiden.values import Address

_HEX: Final = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2})*)", re.ASCII)
_ZERO_ADDRESS: Final = "0x0000000000000000000000000000000000000000"


@dataclass(frozen=True)
class Signature:
    """A recoverable secp256k1 signature: 65 bytes `r || s || v`, with `v` one of 0, 1, 27 and 28.

    The contract knows no other `v`, so that a signature with another one would be worthless on
    chain: `ValueError`.
    """

    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) != 65:
            raise ValueError(f"{len(self.data)} bytes, where a signature has 65")
        if self.data[64] not in (0, 1, 27, 28):
            raise ValueError(
                f"a last byte (v) of {self.data[64]}, where 0, 1, 27 or 28 is expected"
            )

    @classmethod
    def parse(cls, text: object) -> "Signature":
        """Reads 130 hex digits, `0x` optional, in any case. Raises `ValueError` for anything
        else."""
        digits = _HEX.fullmatch(text) if isinstance(text, str) else None
        if digits is None:
            raise ValueError(f"{repr(text)[:40]} is not a signature: 130 hex digits")
        return cls(bytes.fromhex(digits[1]))

    def signer(self, digest: bytes) -> Address | None:
        """What `ecrecover` answers in the contract, which takes a high `s`; `None` where there
        is no signer."""
        r, s = (int.from_bytes(part, "big") for part in (self.data[:32], self.data[32:64]))
        try:
            signature = RecoverableSignature(vrs=(self.data[64] % 27, r, s))
            signer = signature.recover_public_key_from_msg_hash(digest).to_checksum_address()
        except (BadSignature, ValidationError, ValueError):
            return None
        return None if signer == _ZERO_ADDRESS else Address(signer)

    def __str__(self) -> str:
        """`0x` and 130 lower-case hex digits, `v` as 27 or 28, the form that every server takes."""
        return f"0x{self.data[:64].hex()}{27 + self.data[64] % 27:02x}"

    def __repr__(self) -> str:
        """Enough to tell two signatures apart in a log, too little to use one."""
        return f"Signature({str(self)[:10]}…)"
