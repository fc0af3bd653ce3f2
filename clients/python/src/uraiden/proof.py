"""Channels, what senders sign for them and what receivers agree to."""

from dataclasses import dataclass

from uraiden import digest, header
from uraiden.signature import Signature
from uraiden.values import Address, BlockNumber, TokenAmount


@dataclass(frozen=True)
class ChannelId:
    """What names a channel. `chain` is what no digest says: chain id and genesis hash, see
    `Chain.identity`."""

    chain: str
    contract: Address
    receiver: Address
    sender: Address
    open_block: BlockNumber

    def __str__(self) -> str:
        return f"{self.sender} -> {self.receiver}, block {self.open_block}"


@dataclass(frozen=True)
class BalanceProof:
    """The sender's signature over a balance: the running total of all payments through the
    channel."""

    channel: ChannelId
    balance: TokenAmount
    signature: Signature

    def is_by_sender(self) -> bool:
        """Whether the channel's sender made the signature."""
        return (
            self.signature.signer(balance_digest(self.channel, self.balance)) == self.channel.sender
        )

    def headers(self) -> dict[str, str]:
        """The headers that carry it."""
        return {
            header.CONTRACT_ADDRESS: self.channel.contract,
            header.RECEIVER_ADDRESS: self.channel.receiver,
            header.SENDER_ADDRESS: self.channel.sender,
            header.OPEN_BLOCK: str(self.channel.open_block),
            # Some servers read the one, some the other; those that read both want them to agree.
            header.BALANCE: str(self.balance),
            header.SENDER_BALANCE: str(self.balance),
            header.BALANCE_SIGNATURE: str(self.signature),
        }


@dataclass(frozen=True)
class ClosingAgreement:
    """The receiver's signature that lets a channel be settled at once at this balance."""

    channel: ChannelId
    balance: TokenAmount
    signature: Signature

    def is_by_receiver(self) -> bool:
        """Whether the channel's receiver made the signature."""
        id_ = self.channel
        signed = digest.closing_agreement(id_.sender, id_.open_block, self.balance, id_.contract)
        return self.signature.signer(signed) == id_.receiver


def balance_digest(channel: ChannelId, balance: TokenAmount) -> bytes:
    """What the sender signs to bring the channel's running total to `balance`."""
    return digest.balance_proof(channel.receiver, channel.open_block, balance, channel.contract)
