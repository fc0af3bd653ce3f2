"""One channel, to look at and to act on."""

from typing import TYPE_CHECKING, Any

from uraiden.chain import OnChain, Settlement
from uraiden.error import NoSuchChannel
from uraiden.proof import ChannelId
from uraiden.state import ChannelState, Status
from uraiden.values import Address, BlockNumber, TokenAmount

if TYPE_CHECKING:
    from uraiden.client import Client


class Channel:
    """A channel of a client. What it says is read from the state file each time, so it is never
    stale there."""

    def __init__(self, client: "Client", id_: ChannelId) -> None:
        self._client = client
        self.id = id_

    @property
    def sender(self) -> Address:
        """Who pays."""
        return self.id.sender

    @property
    def receiver(self) -> Address:
        """Who is paid."""
        return self.id.receiver

    @property
    def open_block(self) -> BlockNumber:
        """The block in which it was opened."""
        return self.id.open_block

    @property
    def saved(self) -> ChannelState:
        """All that is known of it."""
        state = self._client.store_state(self.id)
        if state is None:
            raise NoSuchChannel(str(self.id))
        return state

    @property
    def deposit(self) -> TokenAmount:
        """What is locked."""
        return self.saved.deposit

    @property
    def balance(self) -> TokenAmount | None:
        """All that was paid so far; `None` where the server has to be asked."""
        return self.saved.balance

    @property
    def status(self) -> Status:
        """How far its life has come."""
        return self.saved.status

    def on_chain(self) -> OnChain | None:
        """What the contract says of it; `None` where it is settled."""
        return self._client.chain.info(self.id)

    def refresh(self) -> None:
        """Asks the chain for deposit and status."""
        self._client.refresh_channel(self.id)

    def topup(self, added: TokenAmount) -> None:
        """Adds to the deposit, and waits until that is in a block."""
        self._client.topup_channel(self.id, added)

    def close_cooperatively(self, gateway: str | None = None, **how: Any) -> Settlement:
        """Settles at once, with the receiver's agreement: see `Client.close_cooperatively`."""
        return self._client.close_cooperatively(self.id, gateway, **how)

    def close(self, balance: TokenAmount | None = None) -> str:
        """Starts the challenge period, at the last balance unless another is given. Answers the
        transaction."""
        return self._client.close_uncooperatively(self.id, balance)

    def settle(self) -> Settlement:
        """Takes the rest of the deposit back after the challenge period."""
        return self._client.settle_channel(self.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Channel) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Channel({self.id})"
