"""What a client may spend, lock up and wait for."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from uraiden import values
from uraiden.error import DepositAboveLimit, OtherReceiver, PriceAboveLimit
from uraiden.values import Address, TokenAmount


def ten_payments(price: TokenAmount) -> TokenAmount:
    """The usual first deposit."""
    return 10 * price


def five_payments(price: TokenAmount) -> TokenAmount:
    """The usual top-up."""
    return 5 * price


@dataclass(frozen=True)
class Policy:
    """The limits of a session. What lies beyond them is refused before anything is signed.

    What is *spent* is what was signed: a payment that was signed and not served counts, since the
    server may still claim it. A payment that is signed twice at the same balance counts once.

    >>> Policy(max_price=0)
    Traceback (most recent call last):
    ValueError: max_price: 0 is not a price: a whole number, 1 to 2^192 - 1
    """

    max_price: TokenAmount
    """The most that one request may cost."""
    max_spend: TokenAmount | None = None
    """The most that the session may spend; `None` for no limit."""
    max_spend_per_day: TokenAmount | None = None
    """The most that all sessions which share the state file may spend with this key and contract
    in a day (UTC)."""
    max_deposit: TokenAmount | None = None
    """The most that one channel may hold, top-ups included."""
    initial_deposit: Callable[[TokenAmount], TokenAmount] = ten_payments
    """What a new channel gets, for a price."""
    topup_deposit: Callable[[TokenAmount], TokenAmount] = five_payments
    """What a top-up adds, for a price."""
    receivers: Collection[Address] | None = None
    """Only these may be paid; `None` for whomever a server names first."""
    max_wait: float = 300.0
    """How many seconds one request may wait for blocks, confirmations and other requests."""
    max_retries: int = 3
    """How often one request may be repeated because the server did not like its payment, or was
    not ready."""
    retry_interval: float = 1.0
    """The pause between two tries, in seconds."""
    on_lost: Literal["raise", "pay_again"] = "raise"
    """What to do about a payment that was taken and not served. To pay again is done once per
    request at most."""

    def __post_init__(self) -> None:
        for name in ("max_price", "max_spend", "max_spend_per_day", "max_deposit"):
            found = getattr(self, name)
            if found is not None:
                _named(name, values.price, found)
        if self.receivers is not None:
            receivers = frozenset(_named("receivers", values.address, r) for r in self.receivers)
            object.__setattr__(self, "receivers", receivers)
        # Without a pause there would be no end to waiting.
        for name, least in (("max_wait", 0), ("max_retries", 0), ("retry_interval", 0.001)):
            if not least <= getattr(self, name) <= 10**9:
                raise ValueError(f"{name} is {getattr(self, name)}, not {least} to 10^9")
        if self.on_lost not in ("raise", "pay_again"):
            raise ValueError(f'on_lost is {self.on_lost!r}, neither "raise" nor "pay_again"')

    def check(self, price: TokenAmount, receiver: Address) -> None:
        """Raises `PriceAboveLimit` or `OtherReceiver`."""
        if price > self.max_price:
            raise PriceAboveLimit(price, self.max_price)
        if self.receivers is not None and receiver not in self.receivers:
            raise OtherReceiver(receiver, " or ".join(sorted(self.receivers)) or "nobody")

    def addition(
        self,
        deposit: TokenAmount,
        balance: TokenAmount,
        price: TokenAmount,
        contract_limit: TokenAmount,
    ) -> TokenAmount:
        """What to add to a deposit so that it covers `balance`: the usual amount, as far as limits
        allow.

        Raises `DepositAboveLimit`.

        >>> policy = Policy(max_price=10, max_deposit=100)
        >>> policy.addition(0, 7, 7, 10**20), policy.addition(70, 77, 7, 10**20)
        (70, 30)
        """
        limit = contract_limit if self.max_deposit is None else self.max_deposit
        limit = min(limit, contract_limit)
        needed = balance - deposit
        if balance > limit:
            raise DepositAboveLimit(balance, limit)
        rule = self.topup_deposit if deposit else self.initial_deposit
        usual = values.amount(rule(price))
        return min(max(usual, needed), limit - deposit)


def _named(name: str, read: Callable[[object], Address | int], value: object) -> object:
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
