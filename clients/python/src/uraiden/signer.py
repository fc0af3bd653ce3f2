"""Who signs: a key in memory, or anything that has one."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from uraiden.error import KeyUnreadable
from uraiden.signature import Signature
from uraiden.values import Address, address

_HEX_KEY: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{64}", re.ASCII)


@runtime_checkable
class Signer(Protocol):
    """A key that may be somewhere else: in a device, in a service, in another process.

    Signing must be deterministic (RFC 6979): the same balance is always sent with the same
    signature.
    """

    @property
    def address(self) -> Address:
        """The account of the key."""

    def sign_digest(self, digest: bytes) -> Signature:
        """Signs 32 bytes as they are."""

    def sign_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Signs a transaction, given with the fields of `eth_sendTransaction`. Answers what is
        broadcast."""


class LocalSigner:
    """A private key in memory."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    @property
    def address(self) -> Address:
        """The account of the key."""
        return address(self._account.address)

    def sign_digest(self, digest: bytes) -> Signature:
        """Signs 32 bytes as they are."""
        return Signature(bytes(self._account.unsafe_sign_hash(Hash32(digest)).signature))

    def sign_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Signs a transaction. Answers what is broadcast."""
        return bytes(self._account.sign_transaction(dict(transaction)).raw_transaction)

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"


def load_signer(
    private_key: "str | os.PathLike[str] | LocalAccount | Signer",
    key_password_path: str | os.PathLike[str] | None = None,
    *,
    password: str | None = None,
) -> Signer:
    """A signer from a private key as hex, from a file with one, or from an encrypted keystore.

    A plain file must not be readable by others. Raises `KeyUnreadable`.

    >>> load_signer("0x" + "01" * 32)
    LocalSigner(0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1)
    """
    if isinstance(private_key, LocalAccount):
        return LocalSigner(private_key)
    if isinstance(private_key, Signer):
        return private_key
    if isinstance(private_key, str) and _HEX_KEY.fullmatch(private_key):
        return LocalSigner(_account(private_key, "that was given"))
    path = Path(private_key)
    text = _read(path, "not 64 hex digits, and not a file that can be read")
    if _HEX_KEY.fullmatch(text):
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise KeyUnreadable(f"in {path}", "others may read the file; make it chmod 600")
        return LocalSigner(_account(text, f"in {path}"))
    if password is None and key_password_path is not None:
        password = _read(Path(key_password_path), "its password cannot be read")
    if password is None:
        raise KeyUnreadable(f"in {path}", "an encrypted keystore, which needs its password")
    try:
        return LocalSigner(_account(bytes(Account.decrypt(text, password)), f"in {path}"))
    except (ValueError, KeyError, TypeError) as error:
        raise KeyUnreadable(f"in {path}", f"no keystore, or another password: {error}") from None


def is_keystore(path: str | os.PathLike[str]) -> bool:
    """Whether a file needs a password, as far as can be seen from outside."""
    return not _HEX_KEY.fullmatch(_read(Path(path), "cannot be read"))


def _read(path: Path, why: str) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError) as error:
        # A key that was mistyped may stand in the path: it is not shown.
        reason = error.strerror if isinstance(error, OSError) else "no text"
        raise KeyUnreadable("that was given", f"{why} ({reason})") from None


def _account(key: str | bytes, where: str) -> LocalAccount:
    try:
        account: LocalAccount = Account.from_key(key)
    except Exception:
        # What libraries say of a bad key has the key in it.
        raise KeyUnreadable(where, "not between 1 and the order of the curve") from None
    return account
