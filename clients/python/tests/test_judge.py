"""Each answer to a payment of 10 on top of 50."""

from dataclasses import replace

import pytest

from uraiden.answer import Charge, Complaint, Held, Terms
from uraiden.error import ChannelRefused, FalseBalance, ProofRefused, Unexplained
from uraiden.judge import Lost, Next, Repeat, Resume, judge
from uraiden.proof import ChannelId, balance_digest
from uraiden.signer import Signer, load_signer
from uraiden.state import ChannelState
from uraiden.values import address

KEY = load_signer("0x" + "11" * 32)
STRANGER = load_signer("0x" + "22" * 32)
PARTY = address("0x" + "12" * 20)
ID = ChannelId("1:00", PARTY, PARTY, KEY.address, 7)
SENT = ChannelState(ID, deposit=100, balance=50, pending=60, signed=60)


def held(balance: int, key: Signer = KEY) -> Held:
    """A balance with a signature of it."""
    return Held(balance, key.sign_digest(balance_digest(ID, balance)))


def judged(
    complaint: Complaint | None,
    shown: Held | None,
    state: ChannelState = SENT,
    sent: int = 60,
    code: str | None = None,
) -> Next:
    """What to do."""
    terms = Terms(10, PARTY, PARTY, None, "/api/1")
    return judge(state, sent, Charge(terms, complaint, shown, code))


@pytest.mark.parametrize(
    ("complaint", "shown", "outcome"),
    [
        (Complaint.INSUFFICIENT_CONFIRMATIONS, None, Repeat("channel")),
        (Complaint.INVALID_BALANCE_PROOF, held(50), Repeat("deposit")),
        (Complaint.INVALID_AMOUNT, held(70), Resume(70)),  # our state was behind
        (Complaint.INVALID_AMOUNT, held(40), Resume(40)),  # theirs is
        (Complaint.INVALID_AMOUNT, Held(0, None), Resume(0)),
        (Complaint.INVALID_AMOUNT, held(50), Resume(50)),  # the price has changed
        (Complaint.INVALID_AMOUNT, held(60), Lost(60, 10)),
        (None, held(60), Lost(60, 10)),
        (Complaint.INVALID_AMOUNT, held(55), Lost(55, 5)),  # denied before, shown now
        (None, held(50), Repeat("deposit")),  # a server of 0.2.0, above the deposit
        (None, held(70), Resume(70)),
    ],
)
def test_what_to_do_next(complaint: Complaint | None, shown: Held | None, outcome: Next) -> None:
    assert judged(complaint, shown) == outcome


@pytest.mark.parametrize(
    ("complaint", "shown", "error"),
    [
        (Complaint.NONEXISTING_CHANNEL, None, ChannelRefused),
        (Complaint.INVALID_BALANCE_PROOF, None, ProofRefused),
        (Complaint.INVALID_AMOUNT, None, Unexplained),
        (None, None, Unexplained),
        (None, Held(70, None), FalseBalance),
        (Complaint.INVALID_AMOUNT, held(70, STRANGER), FalseBalance),
        (Complaint.INVALID_AMOUNT, replace(held(70), balance=80), FalseBalance),
        (Complaint.INVALID_BALANCE_PROOF, held(70, STRANGER), FalseBalance),
    ],
)
def test_what_ends_it(
    complaint: Complaint | None, shown: Held | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        judged(complaint, shown)


@pytest.mark.parametrize("balance", [0, None])
def test_a_channel_that_has_not_paid_may_be_unknown_to_the_server(balance: int | None) -> None:
    young = replace(SENT, balance=balance)
    assert judged(Complaint.NONEXISTING_CHANNEL, None, young) == Repeat("channel")
    with pytest.raises(ChannelRefused):
        judged(Complaint.NONEXISTING_CHANNEL, None, young, code="channel-closed")


def test_a_question_for_the_state_is_no_payment() -> None:
    unknown = ChannelState(ID, deposit=100, balance=None)
    assert judged(None, Held(0, None), unknown, sent=0) == Resume(0)
    assert judged(Complaint.INVALID_AMOUNT, held(70), unknown, sent=0) == Resume(70)
