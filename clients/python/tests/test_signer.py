"""Keys, from wherever they come."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from tests.conftest import hurried
from tests.ground import Ground
from tests.seller import Seller
from uraiden import LocalSigner, Session, Signature, Signer, load_signer
from uraiden.error import KeyUnreadable
from uraiden.values import Address

KEY = "0x" + "01" * 32
ADDRESS = "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A plain key."""
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text(f"{KEY}\n")
    return path


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    """An encrypted key, made quickly."""
    path = tmp_path / "keystore"
    path.write_text(
        json.dumps(Account.encrypt(bytes.fromhex(KEY[2:]), "secret", kdf="pbkdf2", iterations=2))
    )
    return path


def test_a_key_comes_in_many_forms(key_file: Path, keystore: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    for signer in (
        load_signer(KEY),
        load_signer(KEY[2:]),
        load_signer(key_file),
        load_signer(str(key_file)),
        load_signer(Account.from_key(KEY)),
        load_signer(load_signer(KEY)),
        load_signer(keystore, password),
        load_signer(keystore, password="secret"),
    ):
        assert signer.address == ADDRESS
    assert repr(load_signer(KEY)) == f"LocalSigner({ADDRESS})"


def test_a_key_that_others_may_read_is_refused(key_file: Path) -> None:
    key_file.chmod(0o640)
    with pytest.raises(KeyUnreadable, match="chmod 600"):
        load_signer(key_file)


@pytest.mark.parametrize(
    "key", ["0x" + "00" * 32, "0x" + "ff" * 32, "0x" + "01" * 31, "no such file"]
)
def test_what_is_no_key_is_told_without_showing_it(key: str) -> None:
    with pytest.raises(KeyUnreadable) as caught:
        load_signer(key)
    assert key not in str(caught.value)
    assert key[4:20] not in str(caught.value) or "no such" in key


def test_a_keystore_needs_its_password(keystore: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyUnreadable, match="needs its password"):
        load_signer(keystore)
    with pytest.raises(KeyUnreadable, match="another password"):
        load_signer(keystore, password="wrong")
    with pytest.raises(KeyUnreadable, match="password cannot be read"):
        load_signer(keystore, tmp_path / "absent")
    keystore.write_text("{}")
    with pytest.raises(KeyUnreadable, match="no keystore"):
        load_signer(keystore, password="secret")


class Elsewhere:
    """A key that is kept by somebody else, who counts what it is used for."""

    def __init__(self, inner: LocalSigner) -> None:
        self._inner = inner
        self.used: list[str] = []

    @property
    def address(self) -> Address:
        """The account."""
        return self._inner.address

    def sign_digest(self, digest: bytes) -> Signature:
        """A balance."""
        self.used.append("balance")
        return self._inner.sign_digest(digest)

    def sign_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """A transaction."""
        self.used.append("transaction")
        return self._inner.sign_transaction(transaction)


def test_a_delegated_key_pays(ground: Ground, seller: Seller, tmp_path: Path) -> None:
    signer = Elsewhere(LocalSigner(ground.account()))
    assert isinstance(signer, Signer)
    client = ground.client(signer, tmp_path / "s.db")
    with Session(client, hurried()) as session:
        for _ in range(3):
            assert session.get(f"{seller.url}/a").text == "sold"
    assert signer.used == ["transaction", "balance", "balance", "balance"], "one each"
