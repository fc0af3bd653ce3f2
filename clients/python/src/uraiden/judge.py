"""What to do after a 402 to a payment. Pure: sending, waiting and saving are the caller's acts."""

from dataclasses import dataclass
from typing import TypeAlias

from uraiden.answer import Charge, Complaint, Held
from uraiden.error import ChannelRefused, FalseBalance, ProofRefused, Unexplained
from uraiden.proof import BalanceProof, ChannelId
from uraiden.state import ChannelState
from uraiden.values import TokenAmount


@dataclass(frozen=True)
class Repeat:
    """Send the same proof again after a pause: time mends it."""

    missing: str
    """What the server is waiting for: `"channel"` or `"deposit"`."""


@dataclass(frozen=True)
class Resume:
    """The server holds this balance, proved by our own signature: go on from it."""

    balance: TokenAmount


@dataclass(frozen=True)
class Lost:
    """The server holds this balance, and did not serve for all of it."""

    balance: TokenAmount
    amount: TokenAmount


Next: TypeAlias = Repeat | Resume | Lost


def judge(state: ChannelState, sent: TokenAmount, charge: Charge) -> Next:
    """Judges a 402 to the proof of `sent`; `state` is what is known since it was sent.

    Raises `ChannelRefused`, `ProofRefused`, `FalseBalance` and `Unexplained`.
    """
    held = None if charge.held is None else genuine(state.id, charge.held)
    if charge.complaint is Complaint.NONEXISTING_CHANNEL:
        if not state.balance and charge.code != "channel-closed":
            # It has not paid yet, as far as we know, so the server may not have seen it.
            return Repeat("channel")
        raise ChannelRefused(state.id)
    if charge.complaint is Complaint.INSUFFICIENT_CONFIRMATIONS:
        return Repeat("channel")
    if charge.complaint is Complaint.INVALID_BALANCE_PROOF:
        if held is None:
            raise ProofRefused(state.id)
        return Repeat("deposit")
    if held is None:
        raise Unexplained(sent)
    if state.balance is not None and state.balance < held <= state.signed:
        return Lost(held, held - state.balance)
    if charge.complaint is None and held + charge.terms.price == sent:
        # What servers of version 0.2.0 answer to a balance above the deposit.
        return Repeat("deposit")
    return Resume(held)


def genuine(channel: ChannelId, held: Held) -> TokenAmount:
    """The server's balance. Raises `FalseBalance` unless we signed it; nothing needs no
    signature."""
    if held.balance == 0:
        return 0
    if (
        held.signature is None
        or not BalanceProof(channel, held.balance, held.signature).is_by_sender()
    ):
        raise FalseBalance(held.balance, channel)
    return held.balance
