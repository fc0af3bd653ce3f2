"""What a purchase asks to be done, one thing at a time, and what it is answered.

A purchase is a generator that yields actions and is sent their results. It does no I/O, has no
clock and no key, so that it runs the same under requests, under httpx and in tests.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from uraiden.proof import BalanceProof
from uraiden.state import ChannelState, Payee
from uraiden.values import Address, TokenAmount


@dataclass(frozen=True)
class Send:
    """Send the caller's request with these headers added. Answered with an `Answer`."""

    headers: Mapping[str, str]


@dataclass(frozen=True)
class Probe:
    """Send a HEAD without a payment to the place of the caller's request. Answered with an
    `Answer`."""


@dataclass(frozen=True)
class Call:
    """Send a request of our own. Answered with an `ApiAnswer`."""

    method: str
    url: str
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass(frozen=True)
class ApiAnswer:
    """An answer of the channel API. Where none came it has no status, and the body says why."""

    status: int | None
    body: bytes


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds. Answered with `None`."""

    seconds: float


@dataclass(frozen=True)
class Tell:
    """Call a hook by its name. Answered with whether to go on as usual."""

    hook: str


@dataclass(frozen=True)
class Lock:
    """Take the sole right to pay somebody, without waiting. Answered with a `Lease`, or `None`
    if it is taken."""

    payee: Payee


@dataclass(frozen=True)
class Describe:
    """What is the chain, and what the contract? Answered with `Ground`."""


@dataclass(frozen=True)
class Ground:
    """What does not change while a client lives."""

    chain: str
    contract: Address
    token: Address
    sender: Address
    deposit_limit: TokenAmount
    """The most that the contract lets a channel hold."""


@dataclass(frozen=True)
class Load:
    """Find the channel that pays somebody, on disk or on the chain. Answered with a
    `ChannelState` or `None`."""

    payee: Payee
    price: TokenAmount


@dataclass(frozen=True)
class Open:
    """Open a channel. Answered with its `ChannelState`."""

    payee: Payee
    deposit: TokenAmount


@dataclass(frozen=True)
class TopUp:
    """Add to a channel's deposit. Answered with its new `ChannelState`."""

    state: ChannelState
    added: TokenAmount


@dataclass(frozen=True)
class Refresh:
    """Ask the chain for a channel's deposit and status. Answered with its new `ChannelState`."""

    state: ChannelState


@dataclass(frozen=True)
class Keep:
    """Save what became known. Answered with `None`."""

    state: ChannelState


@dataclass(frozen=True)
class Afford:
    """Check that a payment of `price` would be within the day's limit. Answered with `None`, or
    not at all."""

    payee: Payee
    price: TokenAmount
    day_limit: TokenAmount | None


@dataclass(frozen=True)
class Sign:
    """Save, durably, that this balance is about to be sent, then sign it. Answered with `Signed`.

    The only way to a proof, so that none leaves before it is on disk.
    """

    state: ChannelState
    balance: TokenAmount
    day_limit: TokenAmount | None


@dataclass(frozen=True)
class Signed:
    """A proof, and the state with it."""

    state: ChannelState
    proof: BalanceProof


WalletAction: TypeAlias = Lock | Describe | Load | Open | TopUp | Refresh | Keep | Afford | Sign
"""What the client does itself."""

Action: TypeAlias = Send | Probe | Call | Pause | Tell | WalletAction

T = TypeVar("T")

Steps: TypeAlias = Generator[Action, object, T]
"""Yields actions, is sent their results, ends with a `T`."""


def result(found: object, kind: type[T]) -> T:
    """What a driver has sent in. Raises `TypeError` where it is not what the action asks for."""
    if not isinstance(found, kind):
        raise TypeError(f"the driver sent {found!r} where {kind.__name__} is due")
    return found
