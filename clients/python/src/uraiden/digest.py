"""What is signed: the two digests of the contract, version 0.2.x.

Each is typed data as wallets signed it before EIP-712: the keccak-256 of the hash of a schema text
and the hash of the packed values. Neither names the chain.
"""

from typing import Final

from eth_utils.crypto import keccak

from uraiden.values import Address, BlockNumber, TokenAmount


def _schema(party: str) -> bytes:
    fields = ("string message_id", f"address {party}", "uint32 block_created", "uint192 balance")
    return keccak("".join((*fields, "address contract")).encode())


_BALANCE_PROOF: Final = _schema("receiver")
_CLOSING_AGREEMENT: Final = _schema("sender")


def balance_proof(
    receiver: Address, open_block: BlockNumber, balance: TokenAmount, contract: Address
) -> bytes:
    """The digest under a balance proof, which the sender signs."""
    text = b"Sender balance proof signature"
    return _typed(_BALANCE_PROOF, text, receiver, open_block, balance, contract)


def closing_agreement(
    sender: Address, open_block: BlockNumber, balance: TokenAmount, contract: Address
) -> bytes:
    """The digest under a closing agreement, which the receiver signs."""
    text = b"Receiver closing signature"
    return _typed(_CLOSING_AGREEMENT, text, sender, open_block, balance, contract)


def _typed(
    schema: bytes,
    text: bytes,
    party: Address,
    open_block: BlockNumber,
    balance: TokenAmount,
    contract: Address,
) -> bytes:
    values = (
        text,
        bytes.fromhex(party[2:]),
        open_block.to_bytes(4, "big"),
        balance.to_bytes(24, "big"),
        bytes.fromhex(contract[2:]),
    )
    return keccak(schema + keccak(b"".join(values)))
