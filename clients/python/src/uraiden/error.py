"""Why a request was not served, or a channel not opened or closed: one exception per refusal.

Each message says what was found, the bound, and what to do. The figures are attributes too.
"""

from typing import TYPE_CHECKING, Any

from uraiden.values import Address, TokenAmount

if TYPE_CHECKING:
    from uraiden.proof import ChannelId


class UraidenError(Exception):
    """All refusals of this package."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The figures are attributes, not arguments: a process pool must be able to hand errors on.
        return _revived, (type(self), str(self), self.__dict__)


def _revived(kind: type[UraidenError], text: str, figures: dict[str, Any]) -> UraidenError:
    error = kind.__new__(kind, text)
    error.__dict__.update(figures)
    return error


# === Our own limits: nothing was signed


class LimitError(UraidenError):
    """A limit of the policy would be passed. Nothing was signed."""


class PriceAboveLimit(LimitError):
    """The server asks for more than `max_price`."""

    def __init__(self, price: TokenAmount, limit: TokenAmount) -> None:
        super().__init__(
            f"the price of {price} is above the limit of {limit}; raise max_price if it is worth it"
        )
        self.price, self.limit = price, limit


class SpendAboveLimit(LimitError):
    """With this payment the session, or the day, would cost more than it may."""

    def __init__(
        self, what: str, spent: TokenAmount, price: TokenAmount, limit: TokenAmount
    ) -> None:
        super().__init__(
            f"{spent} are spent, and {price} more would pass the limit of {limit}; raise {what}"
        )
        self.what, self.spent, self.price, self.limit = what, spent, price, limit


class DepositAboveLimit(LimitError):
    """The channel would have to hold more than `max_deposit`."""

    def __init__(self, needed: TokenAmount, limit: TokenAmount) -> None:
        super().__init__(
            f"a deposit of {needed} is needed, above the limit of {limit}; "
            "raise max_deposit or close the channel and start another"
        )
        self.needed, self.limit = needed, limit


# === Whom to pay: nothing was signed


class OtherParty(UraidenError):
    """The server wants to be paid in another way than we allow. Nothing was signed."""

    what = "party"

    def __init__(self, found: Address, expected: str) -> None:
        super().__init__(
            f"the server names the {self.what} {found}, we pay {expected} only; "
            "ask the merchant which is right"
        )
        self.found, self.expected = found, expected


class OtherContract(OtherParty):
    """The server names another contract than the client's."""

    what = "contract"


class OtherToken(OtherParty):
    """The server names another token than its contract."""

    what = "token"


class OtherReceiver(OtherParty):
    """The server names another receiver than we allow, or than it named before."""

    what = "receiver"


class RedirectedToPaid(UraidenError):
    """A redirect led to another host, which asks for a payment. None was sent there."""

    def __init__(self, url: str, price: TokenAmount) -> None:
        super().__init__(
            f"the redirect leads to another host, where {url} costs {price}; "
            "request it there yourself if you want to pay"
        )
        self.url, self.price = url, price


# === What the server does


class UnreadableAnswer(UraidenError):
    """The server's 402 makes no sense."""

    def __init__(self, header: str, found: str | None, why: str) -> None:
        shown = "missing" if found is None else f"{found[:48]!r}: {why}"
        super().__init__(
            f"the server's {header}: {shown}; this is no µRaiden server, or a broken one"
        )
        self.header, self.found = header, found


class ChannelRefused(UraidenError):
    """The server does not know the channel, or has closed it."""

    def __init__(self, channel: "ChannelId") -> None:
        super().__init__(
            f"the server refuses the channel {channel}: it is unknown or closed there; "
            "close it to get the rest of the deposit back"
        )
        self.channel = channel


class ProofRefused(UraidenError):
    """The server says that we did not sign what we signed."""

    def __init__(self, channel: "ChannelId") -> None:
        super().__init__(
            f"the server refuses the proof of the channel {channel} as not ours; "
            "it may judge for another contract: ask the merchant"
        )
        self.channel = channel


class FalseBalance(UraidenError):
    """The server claims a balance that we never signed. Nothing was paid for it."""

    def __init__(self, claimed: TokenAmount, channel: "ChannelId") -> None:
        super().__init__(
            f"the server claims a balance of {claimed} in the channel {channel} "
            "without our signature; do not trust it"
        )
        self.claimed, self.channel = claimed, channel


class PaymentLost(UraidenError):
    """The server holds a payment that it did not serve for: an answer was lost, or it cheats."""

    def __init__(self, amount: TokenAmount, channel: "ChannelId") -> None:
        super().__init__(
            f"a payment of {amount} through the channel {channel} was taken and not served; "
            "it counts against the limits, and the next request pays anew"
        )
        self.amount, self.channel = amount, channel


class NotConfirmed(UraidenError):
    """The chain or the server took longer than `max_wait`."""

    def __init__(self, what: str, waited: float) -> None:
        super().__init__(
            f"the server has not confirmed the {what} after {waited:g} s; "
            "try again later, which sends the same payment, or raise max_wait"
        )
        self.what, self.waited = what, waited


class TooManyRetries(UraidenError):
    """The server asked for one more payment or try, over and over."""

    def __init__(self, retries: int) -> None:
        super().__init__(
            f"the server was not content after {retries} retries of one request; "
            "do not trust it, or raise max_retries"
        )
        self.retries = retries


class Unexplained(UraidenError):
    """A 402 to a payment, with neither a reason nor a balance."""

    def __init__(self, sent: TokenAmount) -> None:
        super().__init__(
            f"the server refuses the balance of {sent} and gives no reason; ask the merchant"
        )
        self.sent = sent


class PaymentMalformed(UraidenError):
    """409: the server cannot read a header of our payment."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the server cannot read our payment: {reason}; ask the merchant")
        self.reason = reason


class GatewayUnavailable(UraidenError):
    """502: the paywall cannot accept payments now."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"payments cannot be accepted now: {reason}; "
            "try again later, which sends the same payment"
        )
        self.reason = reason


class GatewayBusy(UraidenError):
    """503: the paywall has too much to do."""

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(
            f"the paywall is busy: {reason}; try again in {retry_after:g} s, "
            "which sends the same payment"
        )
        self.reason, self.retry_after = reason, retry_after


# === What we lack


class BodyNotRepeatable(UraidenError):
    """The body is a stream, was sent once, and would have to be sent again."""

    def __init__(self, price: TokenAmount) -> None:
        super().__init__(
            f"the body is a stream that was used up before the price of {price} was known; "
            "send the request again with a new one, or give the body as bytes or a file"
        )
        self.price = price


class ChannelInUse(UraidenError):
    """Other requests, perhaps of other processes, have been paying this receiver all the time."""

    def __init__(self, receiver: Address, waited: float) -> None:
        super().__init__(
            f"other requests have been paying {receiver} for {waited:g} s; "
            "a channel pays for one request at a time: try again later, or raise max_wait"
        )
        self.receiver, self.waited = receiver, waited


class StateError(UraidenError):
    """The state file cannot be used. Nothing is signed without it."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"the state file {path}: {why}")
        self.path = path


class KeyUnreadable(UraidenError):
    """There is no usable private key where one should be."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"the private key {where}: {why}")


# === Closing


class CloseRefused(UraidenError):
    """The server does not agree to close."""

    def __init__(self, status: int | None, reason: str) -> None:
        answer = "no answer" if status is None else str(status)
        super().__init__(
            f"the server does not agree to close ({answer}): {reason}; "
            "close without it, and settle after the challenge period"
        )
        self.status, self.reason = status, reason


class FalseAgreement(UraidenError):
    """The closing agreement is not signed by the receiver."""

    def __init__(self, receiver: Address) -> None:
        super().__init__(
            f"the closing agreement is not signed by {receiver}; "
            "close without it, and settle after the challenge period"
        )
        self.receiver = receiver


class NoSuchChannel(UraidenError):
    """There is no such channel, or not any more."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no channel {what}; `uraiden-pay channels` lists what there is")


# === The chain


class ChainError(UraidenError):
    """Something could not be done on the chain."""


class NodeError(ChainError):
    """The Ethereum node does not answer, or not what was asked."""

    def __init__(self, call: str, why: str) -> None:
        super().__init__(f"{call}: {why}; check the Ethereum node")
        self.call = call


class TransactionRefused(ChainError):
    """The contract refuses."""

    def __init__(self, call: str, why: str) -> None:
        super().__init__(f"{call} is refused by the contract: {why}")
        self.call, self.why = call, why


class TransactionFailed(ChainError):
    """The transaction was mined, and failed."""

    def __init__(self, call: str, transaction: str) -> None:
        super().__init__(f"{call}: transaction {transaction} failed; it may have come too late")
        self.call, self.transaction = call, transaction


class TransactionPending(ChainError):
    """The transaction is not in a block yet."""

    def __init__(self, call: str, transaction: str, waited: float) -> None:
        super().__init__(
            f"{call}: transaction {transaction} is not mined after {waited:g} s; "
            "it may still be, and is looked for before another is sent"
        )
        self.call, self.transaction, self.waited = call, transaction, waited


class TooFewTokens(ChainError):
    """The account cannot pay the deposit."""

    def __init__(
        self, account: Address, token: Address, has: TokenAmount, needs: TokenAmount
    ) -> None:
        super().__init__(f"{account} has {has} of the token {token}, and {needs} are needed")
        self.account, self.token, self.has, self.needs = account, token, has, needs
