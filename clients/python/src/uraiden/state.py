"""What is remembered of a channel."""

from dataclasses import dataclass
from enum import Enum

from uraiden.proof import ChannelId
from uraiden.values import Address, TokenAmount


class Status(Enum):
    """How far a channel's life has come, as far as we know."""

    OPEN = "open"
    """It pays."""
    FULL = "full"
    """Its deposit has reached the contract's limit, so that another channel has to pay."""
    CLOSING = "closing"
    """Its end was asked for, so that it pays no more."""
    SETTLED = "settled"
    """The deposit was shared out."""


@dataclass(frozen=True)
class Payee:
    """Who is paid by whom: all that a channel's name has but the open block."""

    chain: str
    contract: Address
    receiver: Address
    sender: Address


@dataclass(frozen=True)
class ChannelState:
    """A channel of ours. With this and the key alone a session can go on."""

    id: ChannelId
    deposit: TokenAmount
    """What is locked on chain, unconfirmed top-ups included. Nothing above it is ever signed."""
    balance: TokenAmount | None = 0
    """The last balance that the server is known to hold; `None` where it has to be asked first."""
    pending: TokenAmount | None = None
    """A balance that was sent without a clear answer. It is sent again before any other."""
    signed: TokenAmount = 0
    """The highest balance that was ever signed: what the server could claim at the worst."""
    status: Status = Status.OPEN
    gateway: str | None = None
    """The root of the channel API of the server that was paid last, where it is known."""

    @property
    def payee(self) -> Payee:
        """Who is paid by whom."""
        return Payee(self.id.chain, self.id.contract, self.id.receiver, self.id.sender)
