"""Signatures and digests made by others."""

import json
from typing import Any

import pytest

from tests.ground import REPO
from uraiden import digest
from uraiden.proof import BalanceProof, ChannelId, ClosingAgreement
from uraiden.signature import Signature
from uraiden.signer import load_signer
from uraiden.values import address, amount, block_number

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (REPO / "tests/vectors/balance_proofs.json").read_text()
)
CASES = [(kind, case) for kind, cases in VECTORS.items() for case in cases]


def signed(kind: str, case: dict[str, Any]) -> bytes:
    """The digest of a case."""
    party = address(case["receiver" if kind == "balance_proofs" else "sender"])
    block, balance = block_number(case["open_block"]), amount(case["balance"])
    make = digest.balance_proof if kind == "balance_proofs" else digest.closing_agreement
    return make(party, block, balance, address(case["contract"]))


def test_there_are_vectors() -> None:
    assert len(CASES) == 120
    assert set(VECTORS) == {"balance_proofs", "closing_agreements"}


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_digests_and_signers_are_those_of_others(kind: str, case: dict[str, Any]) -> None:
    found = signed(kind, case)
    assert "0x" + found.hex() == case["digest"]
    try:
        signer = Signature.parse(case["signature"]).signer(found)
    except ValueError:
        signer = None
    assert signer == case["signer"], case["note"]


@pytest.mark.parametrize(
    ("kind", "case"), [c for c in CASES if c[1]["note"].startswith("valid, v is 27")]
)
def test_our_signatures_are_those_of_others(kind: str, case: dict[str, Any]) -> None:
    key = load_signer(case["private_key"])
    assert str(key.sign_digest(signed(kind, case))) == case["signature"]
    assert key.address == case["key_address"]


def test_the_figures_of_the_original_code() -> None:
    """Printed by µRaiden 0.2.0."""
    id_ = ChannelId(
        chain="",
        contract=address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"),
        receiver=address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
        sender=address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
        open_block=9,
    )
    proof = Signature.parse(
        "0xf0a50b2a6d6eba119a909c9ae9ffbb6af49a721389c310c707e862a67d83332d"
        "33176a63e182cc8acba9771dc57d4ec78b06314f7e15af86e2ead40bf1fe4b3d1c"
    )
    agreement = Signature.parse(
        "0xc55e0a2f2cc8977bc74937651392bc3f1a4df1a43e9a8e8d482e5ba03e2c264b"
        "194425b8136c3a77e2787a4c64f38ce77ee17e9728e4a6eb9d0da1f81eff60ad1c"
    )
    assert BalanceProof(id_, 60, proof).is_by_sender()
    assert not BalanceProof(id_, 61, proof).is_by_sender()
    assert ClosingAgreement(id_, 60, agreement).is_by_receiver()
    assert not ClosingAgreement(id_, 60, proof).is_by_receiver()
