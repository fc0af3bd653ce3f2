"""Channels on a real chain."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from web3 import Web3
from web3.exceptions import Web3RPCError

from tests.conftest import hurried
from tests.ground import DEPLOYER, Ground, artifact, free_port
from tests.seller import Reply, Seller
from uraiden import Channel, Client, Session, Status, contracts, payment_of
from uraiden.action import Sign
from uraiden.error import (
    ChannelRefused,
    CloseRefused,
    DepositAboveLimit,
    FalseAgreement,
    FalseBalance,
    NodeError,
    NoSuchChannel,
    OtherContract,
    TooFewTokens,
    TransactionPending,
    TransactionRefused,
)
from uraiden.state import Payee
from uraiden.values import address

RECEIVER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def payee(client: Client, receiver: str = RECEIVER) -> Payee:
    """Who is paid by whom."""
    chain = client.chain.ground().chain
    return Payee(chain, client.contract, address(receiver), client.address)


def test_the_interface_is_what_the_compiler_says() -> None:
    for ours, name in (
        (contracts.CHANNELS, "RaidenMicroTransferChannels"),
        (contracts.TOKEN, "TestToken"),
    ):
        theirs = artifact(name)["abi"]
        assert [entry for entry in ours if entry not in theirs] == []
        errors = [e["name"] for e in theirs if e["type"] == "error"]
        assert [e["name"] for e in ours if e["type"] == "error"] == errors


def test_a_channel_from_opening_to_settlement(client: Client, ground: Ground) -> None:
    channel = client.open_channel(RECEIVER.lower(), 40)
    assert (channel.receiver, channel.sender) == (RECEIVER, client.address)
    assert channel.open_block == client.chain.block_number()
    assert (channel.deposit, channel.balance, channel.status) == (40, 0, Status.OPEN)
    channel.topup(2)
    assert channel.deposit == 42
    assert ground.tokens(client.address) == 10**6 - 42
    assert client.get_open_channels(RECEIVER) == [channel] == client.channels
    channel.close(5)
    assert channel.status is Status.CLOSING
    assert client.get_open_channels() == []
    with pytest.raises(TransactionRefused, match=r"ChallengePeriodRunning\(blockNumber \d+, "):
        channel.settle()
    ground.mine(501)
    settlement = channel.settle()
    assert (settlement.balance, settlement.receiver_tokens) == (5, 5)
    assert ground.tokens(client.address) == 10**6 - 5
    assert (channel.status, client.channels) == (Status.SETTLED, [])


def test_several_channels_and_receivers(client: Client, ground: Ground) -> None:
    other = Account.create().address
    first = client.open_channel(RECEIVER, 10)
    # Nodes estimate as if in the block of the first, which can hold one channel to a receiver.
    ground.mine()
    second = client.open_channel(RECEIVER, 20)
    third = client.open_channel(other, 30)
    assert client.get_open_channels(RECEIVER) == [second, first]
    assert client.get_open_channels(other.lower()) == [third]
    assert client.channel(RECEIVER, first.open_block) == first
    assert len({first, second, third}) == 3
    with pytest.raises(NoSuchChannel):
        client.channel(RECEIVER, 0)


def test_channels_are_found_on_the_chain_after_local_loss(
    client: Client, ground: Ground, tmp_path: Path
) -> None:
    kept = client.open_channel(RECEIVER, 10)
    ground.mine()
    closing = client.open_channel(RECEIVER, 20)
    closing.close()
    gone = client.open_channel(RECEIVER, 30)
    gone.close()
    ground.mine(501)
    gone.settle()
    anew = ground.client(client.signer, tmp_path / "anew.db")
    assert anew.channels == []
    found = anew.sync_channels()
    assert {c.open_block for c in found} == {kept.open_block, closing.open_block}
    (open_one,) = anew.get_open_channels()
    assert (open_one, open_one.deposit, open_one.balance) == (kept, 10, None)
    later = ground.client(
        client.signer, tmp_path / "later.db", start_block=client.chain.block_number() + 1
    )
    assert later.sync_channels() == []


def test_logs_are_read_in_halves_where_a_node_refuses_much(
    client: Client, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = client.open_channel(RECEIVER, 10)
    eth = client.chain._web3.eth
    real = eth.get_logs
    ranges = []

    def narrow(wanted: Any) -> Any:
        ranges.append((wanted["fromBlock"], wanted["toBlock"]))
        if wanted["toBlock"] - wanted["fromBlock"] > 1:
            raise Web3RPCError("range too large")
        return real(wanted)

    monkeypatch.setattr(eth, "get_logs", narrow)
    assert channel.id in client.chain.opened(0)
    assert len(ranges) > 3


def test_money_that_is_not_there_is_told_before_anything_is_sent(
    ground: Ground, tmp_path: Path
) -> None:
    client = ground.client(ground.account(tokens=7), tmp_path / "s.db")
    with pytest.raises(TooFewTokens, match=r"has 7 of the token .* and 8 are needed"):
        client.open_channel(RECEIVER, 8)
    sender = Web3.to_checksum_address(client.address)
    assert ground.web3.eth.get_transaction_count(sender) == 0


def test_what_the_contract_refuses_is_told_with_its_figures(client: Client) -> None:
    with pytest.raises(TransactionRefused, match="BadParty"):
        client.open_channel(client.contract, 5)
    channel = client.open_channel(RECEIVER, 5)
    with pytest.raises(TransactionRefused, match=r"BalanceAboveDeposit\(balance 6, deposit 5\)"):
        channel.close(6)


def test_a_node_that_is_not_there_is_told(ground: Ground, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    lonely = Client(Account.create(), ground.contract, rpc_url=url, state=tmp_path / "s.db")
    with pytest.raises(NodeError, match="check the Ethereum node"):
        lonely.open_channel(RECEIVER, 1)
    nowhere = Client(
        Account.create(), "0x" + "11" * 20, rpc_url=ground.url, state=tmp_path / "s.db"
    )
    with pytest.raises(NodeError, match="no such contract"):
        nowhere.open_channel(RECEIVER, 1)


@pytest.fixture
def by_hand(ground: Ground) -> Iterator[Ground]:
    """Blocks are mined when the test says so."""
    ground.rpc("evm_setAutomine", False)
    yield ground
    ground.rpc("evm_setAutomine", True)
    ground.mine()


def test_a_deposit_that_was_on_its_way_at_a_crash_is_not_made_again(
    client: Client, by_hand: Ground, seller: Seller, tmp_path: Path
) -> None:
    hasty = by_hand.client(client.signer, client.store.path, max_wait=0.05)
    with Session(hasty, hurried()) as session, pytest.raises(TransactionPending, match="not mined"):
        session.get(f"{seller.url}/a")
    assert client.channels == []
    # As after a restart: another client on the same state file, while the deposit is still on its
    # way.
    mining = threading.Timer(0.3, by_hand.mine)
    mining.start()
    with Session(client, hurried()) as session:
        assert session.get(f"{seller.url}/a").text == "sold"
    mining.join()
    by_hand.mine()
    assert len(client.chain.opened(0)) == 1
    (channel,) = client.channels
    assert (channel.deposit, channel.balance) == (100, 10)
    assert client.store.deposit_sent(payee(client, seller.receiver)) is None


def test_a_deposit_that_never_reached_the_node_is_made_anew(client: Client, seller: Seller) -> None:
    client.store.note_deposit(payee(client, seller.receiver), "0x" + "00" * 32)
    with Session(client, hurried()) as session:
        assert session.get(f"{seller.url}/a").text == "sold"
    assert len(client.channels) == 1


def test_a_top_up_that_was_on_its_way_is_counted(client: Client, by_hand: Ground) -> None:
    by_hand.rpc("evm_setAutomine", True)
    channel = client.open_channel(RECEIVER, 10)
    by_hand.rpc("evm_setAutomine", False)
    hasty = by_hand.client(client.signer, client.store.path, max_wait=0.05)
    with pytest.raises(TransactionPending):
        Channel(hasty, channel.id).topup(5)
    by_hand.rpc("evm_setAutomine", True)
    by_hand.mine()
    channel.topup(1)
    assert channel.deposit == 16


def test_nothing_is_signed_above_the_deposit_or_for_another_contract(client: Client) -> None:
    """Whatever asks for it: this is the last door."""
    state = client.open_channel(RECEIVER, 10).saved
    with pytest.raises(DepositAboveLimit):
        client.perform(Sign(state, 11, None))
    stray = replace(state, id=replace(state.id, contract=state.id.receiver))
    with pytest.raises(OtherContract):
        client.perform(Sign(stray, 1, None))
    assert client.channels[0].saved == state


def test_a_token_without_data_is_approved_first(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three-argument transfer is cut out of the token's code."""
    code = ground.web3.eth.get_code(Web3.to_checksum_address(ground.token)).hex()
    ground.rpc("anvil_setCode", ground.token, "0x" + code.replace("be45fd62", "be45fd63"))
    try:
        client = ground.client(ground.account(), tmp_path / "s.db")
        channel = client.open_channel(RECEIVER, 10)
        channel.topup(5)
        assert channel.deposit == 15
        assert ground.tokens(client.address) == 10**6 - 15
    finally:
        ground.rpc("anvil_setCode", ground.token, "0x" + code)


def test_a_channel_that_somebody_else_has_paid_for_is_used(
    client: Client, ground: Ground, seller: Seller
) -> None:
    """A trusted contract may open channels for others, which takes none of their tokens."""
    trusted = Account.create().address
    ground.rpc("anvil_setCode", trusted, "0x00")
    owner = Account.from_key(DEPLOYER).address
    abi = artifact("RaidenMicroTransferChannels")["abi"]
    at = Web3.to_checksum_address(ground.contract)
    contract = ground.web3.eth.contract(at, abi=abi)
    contract.functions.addTrustedContracts([trusted]).transact({"from": owner})
    ground.pay(trusted, 500)
    ground.rpc("anvil_impersonateAccount", trusted)
    ground.rpc("anvil_setBalance", trusted, hex(10**18))
    data = bytes.fromhex(client.address[2:] + seller.receiver[2:])
    transfer = ground.erc20().get_function_by_signature("transfer(address,uint256,bytes)")
    transfer(ground.contract, 500, data).transact({"from": trusted})
    ground.mine()
    with Session(client, hurried()) as session:
        payment = payment_of(session.get(f"{seller.url}/a"))
    assert payment is not None
    assert (payment.deposit, payment.balance) == (500, 10)
    assert ground.tokens(client.address) == 10**6


def test_a_chain_that_began_anew_has_other_channels(
    client: Client, seller: Seller, tmp_path: Path
) -> None:
    """Development chains share ids, addresses and block numbers; their first blocks differ."""
    with Session(client, hurried()) as session:
        session.get(f"{seller.url}/a")
    fresh = Ground.start()
    try:
        assert fresh.contract == client.contract
        there = fresh.client(client.signer, client.store.path)
        assert there.channels == []
        assert len(client.channels) == 1
    finally:
        fresh.stop()


# === Closing


def test_a_cooperative_close_settles_at_once(
    client: Client, seller: Seller, ground: Ground
) -> None:
    with Session(client, hurried(), close_channel_on_exit=True) as session:
        session.get(f"{seller.url}/a")
        session.get(f"{seller.url}/a")
    assert ground.tokens(seller.receiver) == 20
    assert ground.tokens(client.address) == 10**6 - 20
    assert client.channels == []
    assert "rdn-balance-signature" in seller.asked[-1].headers
    assert seller.asked[-1].body == b"balance=20"
    with Session(client, hurried()) as session:
        assert session.get(f"{seller.url}/a").text == "sold", "by a new channel"


def test_a_payment_of_unknown_fate_is_asked_about_before_closing(
    client: Client, seller: Seller, ground: Ground
) -> None:
    for taken in (True, False):
        with Session(client, hurried()) as session:
            session.get(f"{seller.url}/a")

            def lose(seller: Seller, asked: Any, taken: bool = taken) -> Reply:
                if taken:
                    seller.honest(asked)
                return Reply(0)

            seller.answering = lose
            with pytest.raises(OSError):
                session.get(f"{seller.url}/a")
            seller.answering = None
            settlement = session.close_channel()
            assert settlement is not None
            assert settlement.balance == (20 if taken else 10)


REFUSALS = {
    "says no": Reply(503, {}, b'{"detail": "not today"}'),
    "no json": Reply(200, {}, b"<html>"),
    "no signature": Reply(200, {}, b'{"close_signature": 7}'),
    "broken line": Reply(0),
    "deep": Reply(200, {}, b"[" * 60_000),
    "elsewhere": Reply(302, {"Location": "http://127.0.0.1:1/"}),
}


@pytest.mark.parametrize("how", REFUSALS)
def test_a_refused_closing_starts_the_challenge_period(
    how: str, client: Client, seller: Seller, ground: Ground
) -> None:
    with Session(client, hurried()) as session:
        session.get(f"{seller.url}/a")
        seller.answering = lambda *_: REFUSALS[how]
        assert session.close_channel() is None
        channel = session.channel
        assert channel is not None
    info = channel.on_chain()
    assert channel.status is Status.CLOSING
    assert info is not None
    assert info.settle_block is not None


def test_an_agreement_of_a_stranger_is_refused(client: Client, seller: Seller) -> None:
    with Session(client, hurried()) as session:
        session.get(f"{seller.url}/a")
        seller.answering = lambda *_: Reply(
            200, {}, json.dumps({"close_signature": "0x" + "01" * 64 + "1b"}).encode()
        )
        channel = session.channel
        assert channel is not None
        with pytest.raises(FalseAgreement):
            channel.close_cooperatively()
        seller.answering = None
        assert channel.close_cooperatively().balance == 10, "the same question may be put again"


def test_a_false_balance_at_closing_is_refused(client: Client, seller: Seller) -> None:
    with Session(client, hurried()) as session:
        session.get(f"{seller.url}/a")
        channel = session.channel
        assert channel is not None
        client.store.save(_forgotten(channel))
        for claim in ({"balance": 90}, {"balance": "9" * 99}, {"balance": 1.5}, {}):
            body = json.dumps({"last_signature": None, **claim}).encode()
            seller.answering = lambda *_, body=body: Reply(200, {}, body)
            with pytest.raises((CloseRefused, FalseBalance)):
                channel.close_cooperatively()


def _forgotten(channel: Channel) -> Any:
    return replace(channel.saved, balance=None)


def test_a_channel_that_was_closed_by_the_other_side_is_followed_by_a_new_one(
    client: Client, seller: Seller
) -> None:
    with Session(client, hurried()) as session:
        session.get(f"{seller.url}/a")
        first = session.channel
        assert first is not None
        first.close_cooperatively()
        assert session.get(f"{seller.url}/a").text == "sold"
        assert session.channel != first


def test_a_channel_that_only_the_server_has_closed_is_told(client: Client, seller: Seller) -> None:
    with Session(client, hurried()) as session:
        session.get(f"{seller.url}/a")
        seller.closed.update(seller.held)
        with pytest.raises(ChannelRefused, match="close it to get the rest"):
            session.get(f"{seller.url}/a")
