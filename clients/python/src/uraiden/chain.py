"""What the chain says, and what is sent to it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import requests
from eth_typing import HexStr
from hexbytes import HexBytes
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import (
    BadFunctionCallOutput,
    ContractLogicError,
    TransactionNotFound,
    Web3Exception,
    Web3RPCError,
)
from web3.types import FilterParams, LogReceipt, TxReceipt

from uraiden import contracts, values
from uraiden.action import Ground
from uraiden.error import (
    ChainError,
    NodeError,
    TooFewTokens,
    TransactionFailed,
    TransactionPending,
    TransactionRefused,
)
from uraiden.proof import BalanceProof, ChannelId, ClosingAgreement
from uraiden.signer import Signer
from uraiden.state import Payee
from uraiden.values import Address, BlockNumber, TokenAmount

# Estimates are made for the state of now; a transaction meets that of a block later.
_GAS_MARGIN: Final = 1.25


@dataclass(frozen=True)
class OnChain:
    """What the contract says of a channel that is not settled."""

    deposit: TokenAmount
    settle_block: BlockNumber | None
    """The last block of the challenge period; `None` where nobody asked to close."""


@dataclass(frozen=True)
class Settlement:
    """How a deposit was shared out."""

    transaction: str
    balance: TokenAmount
    """All that the receiver got over the channel's life. The sender got the rest of the deposit."""
    receiver_tokens: TokenAmount
    """The part of it that was paid out now, the rest having been withdrawn before."""


class Chain:
    """One contract, seen and used through one node. Raises what is a `ChainError`."""

    def __init__(
        self, web3: Web3, contract: Address, signer: Signer, *, max_wait: float, poll: float
    ) -> None:
        self._web3 = web3
        self._signer = signer
        self._address = contract
        self._max_wait = max_wait
        self._poll = poll
        self._channels: Contract = web3.eth.contract(_on_chain(contract), abi=contracts.CHANNELS)
        self._ground: Ground | None = None
        self._token: Contract | None = None
        self._takes_data: bool | None = None

    # === Questions

    def ground(self) -> Ground:
        """What does not change, asked once."""
        if self._ground is None:
            with _asking("the contract's token"):
                chain_id = self._web3.eth.chain_id
                genesis = self._web3.eth.get_block(0)["hash"]
                token = self._channels.functions.token().call()
                limit = self._channels.functions.channel_deposit_bugbounty_limit().call()
            self._ground = Ground(
                # The id alone does not tell a development chain from the one before it.
                chain=f"{chain_id}:{HexBytes(genesis).hex().removeprefix('0x')}",
                contract=self._address,
                token=values.address(token),
                sender=self._signer.address,
                deposit_limit=min(limit, values.MAX_AMOUNT),
            )
        return self._ground

    def info(self, id_: ChannelId) -> OnChain | None:
        """What the contract says of a channel; `None` where there is none, or no more."""
        question = self._channels.functions.getChannelInfo(id_.sender, id_.receiver, id_.open_block)
        with _asking("getChannelInfo"):
            try:
                _, deposit, settle_block, _, _ = question.call()
            except ContractLogicError:
                return None
        return OnChain(deposit, settle_block or None)

    def opened(self, start_block: int, receiver: Address | None = None) -> list[ChannelId]:
        """The channels that our account has ever opened, oldest first."""
        topics: list[Any] = [contracts.topic("ChannelCreated"), _topic(self._signer.address)]
        if receiver is not None:
            topics.append(_topic(receiver))
        with _asking("searching ChannelCreated"):
            head = self._web3.eth.block_number
            logs = self._logs(topics, start_block, head) if start_block <= head else []
        return [self._opened(log) for log in logs]

    def _logs(self, topics: list[Any], first: int, last: int) -> list[LogReceipt]:
        """All logs of a range; in halves where the node says that it is too much."""
        wanted: FilterParams = {
            "address": _on_chain(self._address),
            "topics": topics,
            "fromBlock": first,
            "toBlock": last,
        }
        try:
            return list(self._web3.eth.get_logs(wanted))
        except Web3RPCError:
            if first == last:
                raise
        middle = (first + last) // 2
        return [*self._logs(topics, first, middle), *self._logs(topics, middle + 1, last)]

    def _opened(self, log: LogReceipt) -> ChannelId:
        receiver = values.address("0x" + HexBytes(log["topics"][2]).hex()[-40:])
        block = values.block_number(log["blockNumber"])
        ground = self.ground()
        return ChannelId(ground.chain, ground.contract, receiver, ground.sender, block)

    def token_balance(self, account: Address | None = None) -> TokenAmount:
        """What an account, ours unless another is named, holds of the contract's token."""
        with _asking("balanceOf"):
            found = self._erc20().functions.balanceOf(account or self._signer.address).call()
        return int(found)

    def block_number(self) -> BlockNumber:
        """The newest block."""
        with _asking("eth_blockNumber"):
            return self._web3.eth.block_number

    def _erc20(self) -> Contract:
        if self._token is None:
            token = _on_chain(self.ground().token)
            self._token = self._web3.eth.contract(token, abi=contracts.TOKEN)
        return self._token

    # === Deposits

    def takes_data(self) -> bool:
        """Whether the token hands data to the contract (ERC-223), so that one transaction opens
        a channel."""
        if self._takes_data is None:
            ourselves = _on_chain(self._signer.address)
            # Nothing, to ourselves: it depends on no channel, and tells whether the function is
            # there.
            transfer = self._transfer(ourselves, 0, b"")
            with _asking("transfer"):
                try:
                    transfer.call({"from": ourselves})
                    self._takes_data = True
                except ContractLogicError:
                    self._takes_data = False
        return self._takes_data

    def check_tokens(self, needs: TokenAmount) -> None:
        """Raises `TooFewTokens`."""
        has = self.token_balance()
        if has < needs:
            raise TooFewTokens(self._signer.address, self.ground().token, has, needs)

    def opening_by_transfer(self, payee: Payee, deposit: TokenAmount) -> bytes:
        """The transaction that opens a channel through a token that takes data."""
        data = _bytes(payee.sender) + _bytes(payee.receiver)
        return self.transaction("opening a channel", self._transfer(self._address, deposit, data))

    def top_up_by_transfer(self, id_: ChannelId, added: TokenAmount) -> bytes:
        """The transaction that tops a channel up through a token that takes data."""
        data = _bytes(id_.sender) + _bytes(id_.receiver) + id_.open_block.to_bytes(4, "big")
        return self.transaction("topping up", self._transfer(self._address, added, data))

    def approval(self, amount: TokenAmount) -> bytes:
        """The transaction that lets the contract take tokens."""
        approve = self._erc20().functions.approve(self._address, amount)
        return self.transaction("approve", approve)

    def opening(self, payee: Payee, deposit: TokenAmount) -> bytes:
        """The transaction that opens a channel after an approval."""
        create = self._channels.functions.createChannel(payee.receiver, deposit)
        return self.transaction("createChannel", create)

    def top_up(self, id_: ChannelId, added: TokenAmount) -> bytes:
        """The transaction that tops a channel up after an approval."""
        top_up = self._channels.functions.topUp(id_.receiver, id_.open_block, added)
        return self.transaction("topUp", top_up)

    def _transfer(self, to: str, amount: TokenAmount, data: bytes) -> Any:
        function = self._erc20().get_function_by_signature("transfer(address,uint256,bytes)")
        return function(to, amount, data)

    # === Endings

    def cooperative_close(self, proof: BalanceProof, agreement: ClosingAgreement) -> bytes:
        """The transaction that settles a channel at once."""
        close = self._channels.functions.cooperativeClose(
            proof.channel.receiver,
            proof.channel.open_block,
            proof.balance,
            proof.signature.data,
            agreement.signature.data,
        )
        return self.transaction("cooperativeClose", close)

    def uncooperative_close(self, id_: ChannelId, balance: TokenAmount) -> bytes:
        """The transaction that starts the challenge period."""
        close = self._channels.functions.uncooperativeClose(id_.receiver, id_.open_block, balance)
        return self.transaction("uncooperativeClose", close)

    def settle(self, id_: ChannelId) -> bytes:
        """The transaction that ends a channel after its challenge period."""
        settle = self._channels.functions.settle(id_.receiver, id_.open_block)
        return self.transaction("settle", settle)

    def settlement(self, receipt: TxReceipt) -> Settlement:
        """How a transaction has shared out the deposit."""
        log = self._event(receipt, "ChannelSettled")
        data = bytes(HexBytes(log["data"]))
        return Settlement(
            transaction=HexBytes(receipt["transactionHash"]).to_0x_hex(),
            balance=int.from_bytes(data[:32], "big"),
            receiver_tokens=int.from_bytes(data[32:64], "big"),
        )

    def opening_of(self, receipt: TxReceipt) -> tuple[ChannelId, TokenAmount] | None:
        """The channel that a transaction has opened, and its deposit; `None` where it opened
        none."""
        for log in receipt["logs"]:
            if self._is(log, "ChannelCreated"):
                return self._opened(log), int.from_bytes(bytes(HexBytes(log["data"])), "big")
        return None

    def _event(self, receipt: TxReceipt, name: str) -> LogReceipt:
        for log in receipt["logs"]:
            if self._is(log, name):
                return log
        hash_ = HexBytes(receipt["transactionHash"]).to_0x_hex()
        raise NodeError(name, f"the transaction {hash_} has no such event of {self._address}")

    def _is(self, log: LogReceipt, name: str) -> bool:
        first = HexBytes(log["topics"][0]).to_0x_hex() if log["topics"] else None
        return str(log["address"]) == self._address and first == contracts.topic(name)

    # === Transactions

    def transaction(self, call: str, function: Any) -> bytes:
        """Signs a transaction for the next nonce: the caller sees to it that nobody else does so
        now."""
        sender = _on_chain(self._signer.address)
        with _asking(call):
            nonce = self._web3.eth.get_transaction_count(sender, "pending")
            transaction = function.build_transaction(
                {"from": sender, "nonce": nonce, "chainId": self._web3.eth.chain_id}
            )
        transaction["gas"] = int(transaction["gas"] * _GAS_MARGIN)
        return self._signer.sign_transaction(transaction)

    @staticmethod
    def hash(raw: bytes) -> str:
        """The name of a signed transaction."""
        return "0x" + bytes(Web3.keccak(raw)).hex()

    def send(self, call: str, raw: bytes) -> None:
        """Broadcasts a signed transaction."""
        with _asking(call):
            self._web3.eth.send_raw_transaction(raw)

    def is_known(self, transaction: str) -> bool:
        """Whether the node has heard of a transaction."""
        with _asking("eth_getTransactionByHash"):
            try:
                self._web3.eth.get_transaction(HexStr(transaction))
            except TransactionNotFound:
                return False
        return True

    def wait(self, call: str, transaction: str) -> TxReceipt:
        """Waits until a transaction is in a block. Raises `TransactionFailed` and
        `TransactionPending`."""
        deadline = time.monotonic() + self._max_wait
        while True:
            receipt = self._receipt(transaction)
            if receipt is not None:
                if receipt["status"] != 1:
                    raise TransactionFailed(call, transaction)
                return receipt
            if time.monotonic() > deadline:
                raise TransactionPending(call, transaction, self._max_wait)
            time.sleep(self._poll)

    def _receipt(self, transaction: str) -> TxReceipt | None:
        with _asking("eth_getTransactionReceipt"):
            try:
                return self._web3.eth.get_transaction_receipt(HexStr(transaction))
            except TransactionNotFound:
                return None


@contextmanager
def _asking(call: str) -> Iterator[None]:
    """Tells a refusal by the contract from a failure of the node."""
    try:
        yield
    except ChainError:
        raise
    except ContractLogicError as error:
        raise TransactionRefused(call, contracts.explain(error.data)) from error
    except BadFunctionCallOutput as error:
        raise NodeError(call, "there is no such contract on this chain") from error
    except (Web3Exception, requests.RequestException, OSError) as error:
        raise NodeError(call, str(error)[:300]) from error


def _on_chain(address: Address) -> Any:
    return Web3.to_checksum_address(address)


def _topic(address: Address) -> str:
    return "0x" + address[2:].lower().rjust(64, "0")


def _bytes(address: Address) -> bytes:
    return bytes.fromhex(address[2:])
