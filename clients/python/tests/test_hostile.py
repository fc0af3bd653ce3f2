"""Servers that cheat: each ends in its own exception, and costs nothing more than promised."""

import pytest
from eth_account import Account

from tests.conftest import hurried
from tests.ground import Ground
from tests.seller import Answering, Asked, Reply, Seller
from uraiden import Client, Session
from uraiden.error import (
    ChannelRefused,
    FalseBalance,
    NotConfirmed,
    OtherContract,
    OtherReceiver,
    OtherToken,
    PaymentLost,
    PriceAboveLimit,
    ProofRefused,
    SpendAboveLimit,
    TooManyRetries,
    Unexplained,
    UnreadableAnswer,
    UraidenError,
)
from uraiden.signature import Signature
from uraiden.signer import LocalSigner

STRANGER = "0x00000000000000000000000000000000DeaDBeef"


def charging(**headers: str) -> Answering:
    """Answers 402 to everything, with these headers changed or added."""
    return lambda seller, _: seller.charge(**headers)


def tokens_kept(ground: Ground, client: Client) -> bool:
    """Whether no token has left the account."""
    return ground.tokens(client.address) == 10**6


@pytest.mark.parametrize(
    ("answering", "error"),
    [
        (charging(RDN_Contract_Address=STRANGER), OtherContract),
        (charging(RDN_Token_Address=STRANGER), OtherToken),
        (charging(RDN_Price="1001"), PriceAboveLimit),
        (charging(RDN_Price=str(2**192 - 1)), PriceAboveLimit),
        (charging(RDN_Price=str(2**192)), UnreadableAnswer),
        (charging(RDN_Price="0"), UnreadableAnswer),
        (charging(RDN_Price="-1"), UnreadableAnswer),
        (charging(RDN_Price="1e3"), UnreadableAnswer),
        (charging(RDN_Receiver_Address="0x12"), UnreadableAnswer),
        (charging(RDN_Sender_Balance="x"), UnreadableAnswer),
        (charging(RDN_Balance_Signature="0x" + "1d" * 65), UnreadableAnswer),
        (lambda *_: Reply(402, {"RDN-Price": "10"}), UnreadableAnswer),
    ],
)
def test_terms_that_we_do_not_accept_cost_nothing(
    answering: Answering,
    error: type[UraidenError],
    session: Session,
    seller: Seller,
    client: Client,
    ground: Ground,
) -> None:
    seller.answering = answering
    with pytest.raises(error):
        session.get(f"{seller.url}/a")
    assert tokens_kept(ground, client)
    assert session.spent == 0
    assert not any(asked.pays for asked in seller.asked)


def test_a_receiver_that_was_not_named_before_is_not_paid(
    session: Session, seller: Seller, client: Client
) -> None:
    session.get(f"{seller.url}/a")
    seller.answering = charging(RDN_Receiver_Address=Account.create().address)
    with pytest.raises(OtherReceiver, match="named before"):
        session.get(f"{seller.url}/a")
    with pytest.raises(OtherReceiver):
        session.get(f"{seller.url}/b")
    assert len(client.channels) == 1


def test_a_receiver_that_is_not_on_the_list_is_not_paid(
    client: Client, seller: Seller, ground: Ground
) -> None:
    strict = hurried(receivers=[STRANGER])
    with Session(client, strict) as session, pytest.raises(OtherReceiver, match=STRANGER):
        session.get(f"{seller.url}/a")
    with Session(client, hurried(receivers=[seller.account.address.lower()])) as session:
        assert session.get(f"{seller.url}/a").text == "sold"


def test_a_balance_with_a_strangers_signature_is_refused(
    session: Session, seller: Seller, client: Client
) -> None:
    session.get(f"{seller.url}/a")
    stranger = LocalSigner(Account.create()).sign_digest(b"\1" * 32)
    for signature in (stranger, Signature(b"\0" * 65)):
        seller.answering = charging(RDN_Invalid_Amount="1", **seller.state(90, signature))
        with pytest.raises(FalseBalance, match="a balance of 90"):
            session.get(f"{seller.url}/a")
    seller.answering = charging(RDN_Invalid_Amount="1", RDN_Sender_Balance="90")
    with pytest.raises(FalseBalance):
        session.get(f"{seller.url}/a")
    seller.answering = None
    assert session.get(f"{seller.url}/a").text == "sold", "and the honest one is paid as before"
    assert session.spent == 20


def test_a_real_signature_for_another_balance_is_refused(session: Session, seller: Seller) -> None:
    session.get(f"{seller.url}/a")
    (_, ours), *_ = seller.held.values()
    seller.answering = charging(RDN_Invalid_Amount="1", **seller.state(90, ours))
    with pytest.raises(FalseBalance):
        session.get(f"{seller.url}/a")


def keep_and_refuse(**headers: str) -> Answering:
    """Takes every payment, and asks for more."""

    def answering(seller: Seller, asked: Asked) -> Reply:
        if not asked.pays:
            return seller.charge()
        proof, key = seller.proof(asked)
        seller.held[key] = (proof.balance, proof.signature)
        return seller.charge(**headers, **seller.state(proof.balance, proof.signature))

    return answering


@pytest.mark.parametrize("headers", [{}, {"RDN_Invalid_Amount": "1"}])
@pytest.mark.parametrize(("on_lost", "price"), [("raise", 10), ("pay_again", 20)])
def test_who_takes_and_does_not_serve_gets_one_price_or_two(
    on_lost: str, price: int, headers: dict[str, str], client: Client, seller: Seller
) -> None:
    seller.answering = keep_and_refuse(**headers)
    with Session(client, hurried(on_lost=on_lost)) as session:
        with pytest.raises(PaymentLost):
            session.get(f"{seller.url}/a")
        assert session.spent == price
    assert max(balance for balance, _ in seller.held.values()) == price


def test_who_takes_for_ever_gets_no_more_than_the_limit(client: Client, seller: Seller) -> None:
    seller.answering = keep_and_refuse()
    with Session(client, hurried(max_spend=50)) as session:
        errors = set()
        for _ in range(12):
            with pytest.raises(UraidenError) as caught:
                session.get(f"{seller.url}/a")
            errors.add(caught.type)
    assert errors == {PaymentLost, SpendAboveLimit}
    assert max(balance for balance, _ in seller.held.values()) == 50


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"RDN_Nonexisting_Channel": "1"}, NotConfirmed),
        ({"RDN_Insufficient_Confirmations": "1"}, NotConfirmed),
        ({"RDN_Invalid_Balance_Proof": "1"}, ProofRefused),
        ({"RDN_Invalid_Balance_Proof": "1", "RDN_Sender_Balance": "0"}, NotConfirmed),
        ({"RDN_Invalid_Amount": "1", "RDN_Sender_Balance": "0"}, TooManyRetries),
        ({"RDN_Sender_Balance": "0"}, NotConfirmed),
        ({"RDN_Invalid_Amount": "1"}, Unexplained),
        ({}, Unexplained),
    ],
)
def test_an_endless_402_ends(
    headers: dict[str, str], error: type[UraidenError], client: Client, seller: Seller
) -> None:
    seller.answering = charging(**headers)
    with Session(client, hurried(max_wait=0.2)) as session:
        for _ in range(3):
            with pytest.raises(error):
                session.get(f"{seller.url}/a")
        assert session.spent == 10, "one price was signed, time and again"
    assert len(seller.asked) < 100
    assert {asked.balance for asked in seller.asked if asked.pays} == {10}


def test_a_price_that_rises_with_every_payment_is_followed_to_the_limit_only(
    client: Client, seller: Seller
) -> None:
    def rising(seller: Seller, asked: Asked) -> Reply:
        seller.price *= 2
        return seller.charge(RDN_Invalid_Amount="1", RDN_Sender_Balance="0")

    seller.answering = rising
    with Session(client, hurried(max_price=100, max_retries=50)) as session:
        with pytest.raises(PriceAboveLimit):
            session.get(f"{seller.url}/a")
        assert session.spent == 80


def test_a_server_that_forgets_gets_no_more_than_was_signed_for_one(
    client: Client, seller: Seller
) -> None:
    """It claims the old balance each time, and keeps the proofs: they are of one balance."""
    with Session(client, hurried()) as session:
        session.get(f"{seller.url}/a")
        (_, ours), *_ = seller.held.values()
        seller.answering = charging(RDN_Invalid_Amount="1", **seller.state(10, ours))
        for _ in range(4):
            with pytest.raises(TooManyRetries):
                session.get(f"{seller.url}/a")
        assert session.spent == 20


def test_a_balance_that_goes_up_and_down_does_not_hide_what_was_taken(
    client: Client, seller: Seller
) -> None:
    """First it denies a payment, then shows it as if it had been there all the time."""
    with Session(client, hurried(max_retries=9)) as session:
        session.get(f"{seller.url}/a")
        (key, (_, first)), *_ = seller.held.items()
        dear: list[Signature] = []

        def deny_then_show(seller: Seller, asked: Asked) -> Reply:
            if not dear:
                dear.append(seller.proof(asked)[0].signature)
                seller.price = 5
                return seller.charge(RDN_Invalid_Amount="1", **seller.state(10, first))
            return seller.charge(RDN_Invalid_Amount="1", **seller.state(20, dear[0]))

        seller.answering = deny_then_show
        with pytest.raises(PaymentLost) as caught:
            session.get(f"{seller.url}/a")
        assert caught.value.amount == 10
        assert session.spent == 20
        assert key[0] == client.address


def test_a_channel_that_the_server_gave_up_but_the_chain_has_is_told(
    session: Session, seller: Seller
) -> None:
    session.get(f"{seller.url}/a")
    seller.answering = charging(RDN_Nonexisting_Channel="1")
    with pytest.raises(ChannelRefused):
        session.get(f"{seller.url}/a")
    assert session.spent == 20


def test_a_huge_problem_document_is_not_read(session: Session, seller: Seller) -> None:
    """Not even waited for: it never comes."""
    headers = {"Content-Type": "application/problem+json", "Content-Length": "99999999"}
    seller.answering = lambda *_: Reply(402, {**seller.terms(), **headers})
    with pytest.raises(Unexplained):
        session.get(f"{seller.url}/a", timeout=5)


def test_the_channel_api_is_asked_at_the_same_host_only(
    session: Session, seller: Seller, client: Client
) -> None:
    for path in ("//evil.example/api", "http://evil.example/", "https:evil", "@evil.example"):

        def elsewhere(seller: Seller, asked: Asked, path: str = path) -> Reply:
            reply = seller.honest(asked)
            return Reply(reply.status, {**reply.headers, "RDN-Gateway-Path": path}, reply.body)

        seller.answering = elsewhere
        session.get(f"{seller.url}/a{len(path)}")
        (channel,) = client.channels
        gateway = str(channel.saved.gateway)
        assert gateway.startswith(f"{seller.url}/")
