"""The names that go over the wire. HTTP compares header names without case."""

from typing import Final

CONTRACT_ADDRESS: Final = "RDN-Contract-Address"
"""The address of the `RaidenMicroTransferChannels` contract."""
RECEIVER_ADDRESS: Final = "RDN-Receiver-Address"
"""The address of the merchant."""
TOKEN_ADDRESS: Final = "RDN-Token-Address"
"""The address of the token."""
GATEWAY_PATH: Final = "RDN-Gateway-Path"
"""The path root of the channel API."""
PRICE: Final = "RDN-Price"
"""What the resource costs."""
COST: Final = "RDN-Cost"
"""What was charged."""
SENDER_ADDRESS: Final = "RDN-Sender-Address"
"""The address of the payer."""
SENDER_BALANCE: Final = "RDN-Sender-Balance"
"""In answers, the balance that the server holds; in requests, the balance that is signed."""
BALANCE: Final = "RDN-Balance"
"""The balance that is signed, by the only name that a server of version 0.2.0 reads in a
request."""
BALANCE_SIGNATURE: Final = "RDN-Balance-Signature"
"""The balance proof."""
OPEN_BLOCK: Final = "RDN-Open-Block"
"""The block in which the channel was opened."""
INSUFFICIENT_CONFIRMATIONS: Final = "RDN-Insufficient-Confirmations"
"""How many confirmations are missing."""
NONEXISTING_CHANNEL: Final = "RDN-Nonexisting-Channel"
"""There is no such channel, or it is closed."""
INVALID_BALANCE_PROOF: Final = "RDN-Invalid-Balance-Proof"
"""The proof is not the sender's, or above the deposit."""
INVALID_AMOUNT: Final = "RDN-Invalid-Amount"
"""The payment is not the price."""

_PREFIX: Final = "rdn-"


def is_ours(name: str) -> bool:
    """Whether a header or cookie of this name is part of the protocol.

    >>> is_ours("rdn-balance"), is_ours("Accept")
    (True, False)
    """
    return name.lower().startswith(_PREFIX)


def other_cookies(value: str) -> str:
    """A `Cookie` header's value without the cookies of the protocol.

    A server sets them for browsers, with what it holds. Sent back by a program they say again what
    the headers say, and servers as old as µRaiden 0.2.0 believe them before the headers.

    >>> other_cookies("a=1; RDN-Price=3; b=2")
    'a=1; b=2'
    """
    pairs = (pair.strip() for pair in value.split(";"))
    return "; ".join(pair for pair in pairs if not is_ours(pair))
