"""An account, a contract and the channels between the account and those it pays."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timezone
from typing import Final, TypeVar, cast

from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.types import TxReceipt

from uraiden import values
from uraiden.action import (
    Afford,
    ApiAnswer,
    Call,
    Describe,
    Keep,
    Load,
    Lock,
    Open,
    Pause,
    Probe,
    Refresh,
    Send,
    Sign,
    Signed,
    Steps,
    Tell,
    TopUp,
    WalletAction,
)
from uraiden.api import call_api
from uraiden.chain import Chain, Settlement
from uraiden.channel import Channel
from uraiden.closing import agree
from uraiden.error import (
    ChannelInUse,
    DepositAboveLimit,
    NoSuchChannel,
    OtherContract,
    SpendAboveLimit,
    TransactionFailed,
)
from uraiden.proof import BalanceProof, ChannelId, balance_digest
from uraiden.purchase import balance_to_send
from uraiden.signer import Signer, load_signer
from uraiden.state import ChannelState, Payee, Status
from uraiden.store import Lease, Store
from uraiden.values import Address, BlockNumber, TokenAmount

DEFAULT_RPC_URL: Final = "http://127.0.0.1:8545"
"""Where Ethereum nodes listen on one's own machine."""

T = TypeVar("T")

_LOCK_PAUSE: Final = 0.02


class Client:
    """Opens, tops up, closes and settles channels, and keeps what was signed for them.

    `private_key` is hex, the path of a file with it, the path of an encrypted keystore (with
    `key_password_path` or `password`), an account of eth-account, or a `Signer`. `contract` is the
    address of the `RaidenMicroTransferChannels` that the account's tokens may go to; amounts are
    base units of its token. `state` is the file that remembers channels, see
    `uraiden.store.default_path`; several processes may share it. `start_block` is the block from
    which channels are searched: that of the contract's deployment, or earlier. `max_wait` and
    `poll` are the patience with the chain, in seconds.

    Safe for threads. Raises what is in `uraiden.error`.
    """

    def __init__(
        self,
        private_key: str | os.PathLike[str] | LocalAccount | Signer,
        contract: str,
        *,
        rpc_url: str = DEFAULT_RPC_URL,
        web3: Web3 | None = None,
        key_password_path: str | os.PathLike[str] | None = None,
        password: str | None = None,
        state: str | os.PathLike[str] | Store | None = None,
        start_block: int = 0,
        max_wait: float = 300.0,
        poll: float = 0.5,
    ) -> None:
        self.signer = load_signer(private_key, key_password_path, password=password)
        self.contract: Address = values.address(contract)
        self.store = state if isinstance(state, Store) else Store(state)
        self._start_block = start_block
        self._max_wait = max_wait
        if web3 is None:
            web3 = Web3(HTTPProvider(rpc_url))
        self.chain = Chain(web3, self.contract, self.signer, max_wait=max_wait, poll=poll)
        # Channels whose deposit and status were compared with the chain since we started.
        self._compared: set[ChannelId] = set()

    @property
    def address(self) -> Address:
        """The account that pays."""
        return self.signer.address

    # === Channels

    @property
    def channels(self) -> list[Channel]:
        """The channels that are known and not settled, newest first."""
        return [
            Channel(self, state.id) for state in self._known() if state.status != Status.SETTLED
        ]

    def sync_channels(self) -> list[Channel]:
        """Compares what is known with the chain, and finds there what was lost. Answers `channels`.

        The balance of a channel that was found is asked from its server with the next payment.
        """
        known = {state.id: state for state in self._known()}
        for id_ in self.chain.opened(self._start_block):
            with self._sole(_payee(id_)):
                state = self.store_state(id_) or ChannelState(id_, deposit=0, balance=None)
                if id_ in known or self.chain.info(id_) is not None:
                    self._refresh(state)
        return self.channels

    def get_open_channels(self, receiver: str | None = None) -> list[Channel]:
        """The channels that can pay, to one receiver or to all."""
        wanted = None if receiver is None else values.address(receiver)
        return [
            channel
            for channel in self.channels
            if channel.status is Status.OPEN and wanted in (None, channel.receiver)
        ]

    def open_channel(self, receiver: str, deposit: TokenAmount) -> Channel:
        """Opens a channel, and waits until it is in a block."""
        ground = self.chain.ground()
        payee = Payee(ground.chain, self.contract, values.address(receiver), self.address)
        values.amount(deposit)
        with self._sole(payee):
            self._finish_deposit(payee)
            return Channel(self, self._open(payee, deposit).id)

    def channel(self, receiver: str, open_block: BlockNumber) -> Channel:
        """The channel of this name. Raises `NoSuchChannel` where it is not known."""
        chain = self.chain.ground().chain
        to = values.address(receiver)
        id_ = ChannelId(chain, self.contract, to, self.address, values.block_number(open_block))
        if self.store_state(id_) is None:
            raise NoSuchChannel(str(id_))
        return Channel(self, id_)

    def store_state(self, id_: ChannelId) -> ChannelState | None:
        """What the state file says of a channel."""
        states = self.store.channels_to(_payee(id_))
        return next((state for state in states if state.id == id_), None)

    def _known(self) -> list[ChannelState]:
        return self.store.channels(self.chain.ground().chain, self.contract, self.address)

    # === What channels do, see `Channel`

    def topup_channel(self, id_: ChannelId, added: TokenAmount) -> ChannelState:
        """Adds to a channel's deposit, and waits until that is in a block."""
        values.price(added)
        with self._sole(_payee(id_)):
            self._finish_deposit(_payee(id_))
            return self._top_up(self._refresh(self._state(id_)), added)

    def refresh_channel(self, id_: ChannelId) -> ChannelState:
        """Asks the chain for a channel's deposit and status."""
        with self._sole(_payee(id_)):
            return self._refresh(self._state(id_))

    def close_cooperatively(
        self,
        id_: ChannelId,
        gateway: str | None = None,
        call: Callable[[Call], ApiAnswer] = call_api,
    ) -> Settlement:
        """Settles a channel at once, with the receiver's agreement.

        `gateway` is the root of the server's channel API, such as `https://example.com/api/1`;
        where it is not given, that of the server that was paid last. `call` makes the requests to
        it. Raises `CloseRefused` and `FalseAgreement` where only `close` is left.
        """
        with self._sole(_payee(id_)):
            state = self._state(id_)
            root = gateway or state.gateway
            if root is None:
                raise NoSuchChannel(f"{id_} with a known server; name the root of its channel API")
            steps = agree(state, root.rstrip("/"))
            proof, agreement = self._drive(steps, call)
            receipt = self._transact(
                "cooperativeClose", lambda: self.chain.cooperative_close(proof, agreement)
            )
            self.store.save(replace(self._state(id_), status=Status.SETTLED))
            return self.chain.settlement(receipt)

    def close_uncooperatively(self, id_: ChannelId, balance: TokenAmount | None = None) -> str:
        """Starts the challenge period, at the last balance unless another is given. Answers the
        transaction."""
        with self._sole(_payee(id_)):
            state = replace(self._state(id_), status=Status.CLOSING)
            self.store.save(state)
            if balance is None:
                # Where the last payment's fate is unknown the server may hold it, and would
                # challenge less.
                balance = state.pending or state.balance or 0
            at = balance
            receipt = self._transact(
                "uncooperativeClose", lambda: self.chain.uncooperative_close(id_, at)
            )
            return _hash(receipt)

    def settle_channel(self, id_: ChannelId) -> Settlement:
        """Takes the rest of the deposit back after the challenge period."""
        with self._sole(_payee(id_)):
            receipt = self._transact("settle", lambda: self.chain.settle(id_))
            self.store.save(replace(self._state(id_), status=Status.SETTLED))
            return self.chain.settlement(receipt)

    def _state(self, id_: ChannelId) -> ChannelState:
        state = self.store_state(id_)
        if state is None:
            raise NoSuchChannel(str(id_))
        return state

    # === What purchases ask for, see `uraiden.action`

    def perform(self, action: WalletAction) -> object:
        """Does what a purchase asks for, and answers what the action says. Blocks."""
        result: object = None
        match action:
            case Sign(state, balance, day_limit):
                result = self._sign(state, balance, day_limit)
            case Keep(state):
                # A crash of the machine may bring the pending payment back, which is then asked
                # for.
                self.store.save(state, durable=False)
            case Lock(payee):
                result = self.store.try_lock(payee)
            case Load(payee, price):
                result = self._load(payee, price)
            case Describe():
                result = self.chain.ground()
            case Open(payee, deposit):
                result = self._open(payee, deposit)
            case TopUp(state, added):
                result = self._top_up(state, added)
            case Refresh(state):
                result = self._refresh(state)
            case Afford(payee, price, day_limit):
                self._afford(payee, price, day_limit)
        return result

    def _sign(
        self, state: ChannelState, balance: TokenAmount, day_limit: TokenAmount | None
    ) -> Signed:
        if state.id.contract != self.contract:
            raise OtherContract(state.id.contract, self.contract)
        if balance > state.deposit:
            raise DepositAboveLimit(balance, state.deposit)
        # A balance that the server holds, and a question for it, is no payment.
        pending = balance if balance > (state.balance or 0) else state.pending
        new = replace(state, pending=pending, signed=max(state.signed, balance))
        if new != state:
            self.store.spend(new, new.signed - state.signed, today(), day_limit)
        signature = self.signer.sign_digest(balance_digest(state.id, balance))
        return Signed(new, BalanceProof(state.id, balance, signature))

    def _afford(self, payee: Payee, price: TokenAmount, day_limit: TokenAmount | None) -> None:
        spent = self.store.spent(today(), payee.chain, payee.contract, payee.sender)
        if day_limit is not None and spent + price > day_limit:
            raise SpendAboveLimit("max_spend_per_day", spent, price, day_limit)

    def _load(self, payee: Payee, price: TokenAmount) -> ChannelState | None:
        """The channel that pays: one whose last payment is open, else one with room, else the
        newest."""
        self._finish_deposit(payee)
        states = [self._compare(state) for state in self._open_states(payee)]
        states = [state for state in states if state.status is Status.OPEN]
        if not states:
            known = {state.id for state in self.store.channels_to(payee)}
            for id_ in self.chain.opened(self._start_block, payee.receiver):
                if id_ not in known:
                    found = self._refresh(ChannelState(id_, deposit=0, balance=None))
                    states += [found] if found.status is Status.OPEN else []

        def preference(state: ChannelState) -> tuple[bool, bool, BlockNumber]:
            room = balance_to_send(state, price) <= state.deposit
            return (state.pending is not None, room, state.id.open_block)

        return max(states, key=preference, default=None)

    def _open_states(self, payee: Payee) -> list[ChannelState]:
        return [s for s in self.store.channels_to(payee) if s.status is Status.OPEN]

    def _compare(self, state: ChannelState) -> ChannelState:
        return state if state.id in self._compared else self._refresh(state)

    def _refresh(self, state: ChannelState) -> ChannelState:
        found = self.chain.info(state.id)
        if found is None:
            new = replace(state, status=Status.SETTLED)
        elif found.settle_block is not None or state.status is Status.SETTLED:
            # A settlement that a reorganisation took back was wanted all the same.
            new = replace(state, deposit=found.deposit, status=Status.CLOSING)
        else:
            new = replace(state, deposit=found.deposit)
        self.store.save(new)
        self._compared.add(new.id)
        return new

    # === Deposits

    def _open(self, payee: Payee, deposit: TokenAmount) -> ChannelState:
        self.chain.check_tokens(deposit)
        if self.chain.takes_data():
            receipt = self._deposit(
                payee, "opening a channel", lambda: self.chain.opening_by_transfer(payee, deposit)
            )
        else:
            self._transact("approve", lambda: self.chain.approval(deposit))
            receipt = self._deposit(
                payee, "createChannel", lambda: self.chain.opening(payee, deposit)
            )
        return self._opened(payee, receipt)

    def _opened(self, payee: Payee, receipt: TxReceipt) -> ChannelState:
        opening = self.chain.opening_of(receipt)
        if opening is None:
            raise TransactionFailed("opening a channel", _hash(receipt))
        state = ChannelState(opening[0], deposit=opening[1])
        self.store.save(state)
        self.store.forget_deposit(payee)
        self._compared.add(state.id)
        return state

    def _top_up(self, state: ChannelState, added: TokenAmount) -> ChannelState:
        payee = state.payee
        self.chain.check_tokens(added)
        if self.chain.takes_data():
            self._deposit(
                payee, "topping up", lambda: self.chain.top_up_by_transfer(state.id, added)
            )
        else:
            self._transact("approve", lambda: self.chain.approval(added))
            self._deposit(payee, "topUp", lambda: self.chain.top_up(state.id, added))
        new = self._refresh(state)
        self.store.forget_deposit(payee)
        return new

    def _deposit(self, payee: Payee, call: str, build: Callable[[], bytes]) -> TxReceipt:
        try:
            return self._transact(call, build, payee)
        except TransactionFailed:
            self.store.forget_deposit(payee)
            raise

    def _finish_deposit(self, payee: Payee) -> None:
        """Finds out what became of a deposit that was sent before a crash, so that it is not
        made twice."""
        transaction = self.store.deposit_sent(payee)
        if transaction is None:
            return
        if self.chain.is_known(transaction):
            with suppress(TransactionFailed):
                receipt = self.chain.wait("the last deposit", transaction)
                opening = self.chain.opening_of(receipt)
                if opening is not None and self.store_state(opening[0]) is None:
                    self.store.save(ChannelState(opening[0], deposit=opening[1]))
        self._compared -= {state.id for state in self.store.channels_to(payee)}
        self.store.forget_deposit(payee)

    def _transact(
        self, call: str, build: Callable[[], bytes], deposit_for: Payee | None = None
    ) -> TxReceipt:
        """Sends a transaction and waits until it is in a block. One at a time: each has the next
        nonce."""
        chain = self.chain.ground().chain
        with self._wait_for(lambda: self.store.try_lock_account(chain, self.address), self.address):
            raw = build()
            transaction = self.chain.hash(raw)
            if deposit_for is not None:
                self.store.note_deposit(deposit_for, transaction)
            self.chain.send(call, raw)
        return self.chain.wait(call, transaction)

    # === Locks and drivers

    def _sole(self, payee: Payee) -> AbstractContextManager[None]:
        return self._wait_for(lambda: self.store.try_lock(payee), payee.receiver)

    @contextmanager
    def _wait_for(self, take: Callable[[], Lease | None], whom: Address) -> Iterator[None]:
        deadline = time.monotonic() + self._max_wait
        while (lease := take()) is None:
            if time.monotonic() > deadline:
                raise ChannelInUse(whom, self._max_wait)
            time.sleep(_LOCK_PAUSE)
        try:
            yield
        finally:
            lease.release()

    def _drive(self, steps: Steps[T], call: Callable[[Call], ApiAnswer]) -> T:
        """Runs steps that talk to the channel API."""
        try:
            action = next(steps)
            while True:
                match action:
                    case Call():
                        action = steps.send(call(action))
                    case Send() | Probe() | Pause() | Tell():
                        raise TypeError(f"{action!r} is not for the channel API")
                    case _:
                        action = steps.send(self.perform(action))
        except StopIteration as end:
            return cast("T", end.value)
        finally:
            steps.close()


def today() -> str:
    """The day that spending counts for, in UTC."""
    return datetime.now(timezone.utc).date().isoformat()


def _payee(id_: ChannelId) -> Payee:
    return Payee(id_.chain, id_.contract, id_.receiver, id_.sender)


def _hash(receipt: TxReceipt) -> str:
    return HexBytes(receipt["transactionHash"]).to_0x_hex()
