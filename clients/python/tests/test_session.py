"""Paid requests over requests."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.conftest import hurried
from tests.ground import Ground
from tests.seller import Asked, Reply, Seller, problem
from uraiden import Client, Session, payment_of
from uraiden.error import (
    BodyNotRepeatable,
    GatewayBusy,
    GatewayUnavailable,
    PaymentLost,
    PaymentMalformed,
    RedirectedToPaid,
    SpendAboveLimit,
)


def test_after_the_first_request_each_is_one_round_trip(session: Session, seller: Seller) -> None:
    first = payment_of(session.get(f"{seller.url}/a"))
    assert first is not None
    assert (first.amount, first.round_trips, first.balance, first.deposit) == (10, 2, 10, 100)
    for number in range(2, 8):
        payment = payment_of(session.get(f"{seller.url}/a?n={number}"))
        assert payment is not None
        assert (payment.amount, payment.round_trips, payment.balance) == (10, 1, number * 10)
    assert session.spent == 70
    assert len(seller.asked) == 8


def test_what_is_free_costs_nothing(session: Session, seller: Seller) -> None:
    response = session.get(f"{seller.url}/free")
    payment = payment_of(response)
    assert payment is not None
    assert (response.text, payment.amount, payment.channel, session.spent) == ("free", 0, None, 0)
    assert session.channel is None


def test_a_deposit_that_runs_out_is_topped_up(
    session: Session, seller: Seller, client: Client
) -> None:
    for _ in range(12):
        assert session.get(f"{seller.url}/a").text == "sold"
    (channel,) = client.channels
    assert (channel.balance, channel.deposit) == (120, 150)
    assert len(seller.asked) == 13, "a top-up costs no round trip"


def test_a_new_price_is_paid(session: Session, seller: Seller) -> None:
    session.get(f"{seller.url}/a")
    seller.price = 15
    payment = payment_of(session.get(f"{seller.url}/a"))
    assert payment is not None
    assert (payment.amount, payment.balance, payment.round_trips) == (15, 25, 2)


def test_a_new_session_goes_on_where_the_last_one_ended(
    session: Session, seller: Seller, client: Client
) -> None:
    session.get(f"{seller.url}/a")
    with Session(client, hurried()) as next_session:
        payment = payment_of(next_session.get(f"{seller.url}/a"))
    assert payment is not None
    assert (payment.balance, payment.round_trips) == (20, 2)


def test_a_lost_state_file_is_made_good_by_chain_and_server(
    session: Session, seller: Seller, ground: Ground, client: Client, tmp_path: Path
) -> None:
    session.get(f"{seller.url}/a")
    session.get(f"{seller.url}/a")
    elsewhere = ground.client(client.signer, tmp_path / "other.db")
    with Session(elsewhere, hurried()) as other:
        payment = payment_of(other.get(f"{seller.url}/a"))
        assert payment is not None
        assert (payment.amount, payment.balance, payment.round_trips) == (10, 30, 3)
        assert other.spent == 10
        other.get(f"{seller.url}/a")
    # And the first one adopts what the other has signed.
    adopted = payment_of(session.get(f"{seller.url}/a"))
    assert adopted is not None
    assert (adopted.amount, adopted.balance, adopted.round_trips) == (10, 50, 2)


def test_a_broken_line_is_asked_about_with_the_same_proof(session: Session, seller: Seller) -> None:
    session.get(f"{seller.url}/a")
    before = len(seller.asked)

    seller.answering = lambda *_: Reply(0)
    with pytest.raises(requests.ConnectionError):
        session.get(f"{seller.url}/a")
    seller.answering = None
    payment = payment_of(session.get(f"{seller.url}/a"))
    assert payment is not None
    assert (payment.amount, payment.balance) == (10, 20)
    lost, again = seller.asked[before:]
    assert lost.headers["rdn-balance-signature"] == again.headers["rdn-balance-signature"]
    assert session.spent == 20, "the same balance was signed twice and counts once"


def _take_and_break(seller: Seller, asked: Asked) -> Reply:
    seller.honest(asked)
    return Reply(0)


def test_a_payment_that_was_taken_and_not_served_is_told_and_counts(
    session: Session, seller: Seller
) -> None:
    session.get(f"{seller.url}/a")
    seller.answering = _take_and_break
    with pytest.raises(requests.ConnectionError):
        session.get(f"{seller.url}/a")
    seller.answering = None
    with pytest.raises(PaymentLost) as caught:
        session.get(f"{seller.url}/a")
    assert caught.value.amount == 10
    assert session.spent == 20
    payment = payment_of(session.get(f"{seller.url}/a"))
    assert payment is not None
    assert (payment.balance, session.spent) == (30, 30)


def test_a_lost_payment_is_paid_again_once_where_that_is_wanted(
    client: Client, seller: Seller
) -> None:
    with Session(client, hurried(on_lost="pay_again")) as session:
        session.get(f"{seller.url}/a")
        seller.answering = _take_and_break
        with pytest.raises(requests.ConnectionError):
            session.get(f"{seller.url}/a")
        seller.answering = None
        payment = payment_of(session.get(f"{seller.url}/a"))
        assert payment is not None
        assert (payment.amount, payment.balance, session.spent) == (10, 30, 30)


def test_a_payment_on_its_way_back_is_waited_for(session: Session, seller: Seller) -> None:
    session.get(f"{seller.url}/a")
    asked_again = 0

    def take_back_late(seller: Seller, asked: Asked) -> Reply | None:
        nonlocal asked_again
        asked_again += 1
        proof, key = seller.proof(asked)
        if asked_again == 1:
            seller.held[key] = (proof.balance, proof.signature)
            return problem(502, "unknown-outcome")
        if asked_again == 3:
            seller.held[key] = (10, proof.signature)
        return None

    seller.answering = take_back_late
    payment = payment_of(session.get(f"{seller.url}/a"))
    assert payment is not None
    assert (payment.amount, payment.balance, session.spent) == (10, 20, 20)
    assert len({a.headers["rdn-balance-signature"] for a in seller.asked[-3:]}) == 1


def test_an_error_of_the_service_with_the_payment_taken_back_is_free(
    session: Session, seller: Seller
) -> None:
    session.get(f"{seller.url}/a")
    seller.answering = lambda s, _: Reply(503, s.terms(RDN_Sender_Balance="10"), b"sorry")
    response = session.get(f"{seller.url}/a")
    payment = payment_of(response)
    assert payment is not None
    assert (response.status_code, response.text) == (503, "sorry")
    assert (payment.amount, payment.balance) == (0, 10)
    seller.answering = None
    payment = payment_of(session.get(f"{seller.url}/a"))
    assert payment is not None
    assert (payment.balance, payment.round_trips) == (20, 1)


def test_an_error_of_the_service_is_asked_about_with_the_same_proof(
    session: Session, seller: Seller
) -> None:
    """As after a credit: the same proof is served from it."""
    session.get(f"{seller.url}/a")
    seller.answering = lambda *_: Reply(500)
    assert session.get(f"{seller.url}/a").status_code == 500
    seller.answering = None
    assert session.get(f"{seller.url}/a").text == "sold"
    assert [asked.balance for asked in seller.asked if asked.pays] == [10, 20, 20]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (problem(502, "not-ready"), GatewayUnavailable),
        (problem(503, "busy", Retry_After="0"), GatewayBusy),
    ],
)
def test_a_paywall_in_trouble_is_asked_again_for_a_while(
    session: Session, seller: Seller, reply: Reply, error: type[Exception]
) -> None:
    replies: Iterator[Reply | None] = iter([reply, reply, reply, None])
    seller.answering = lambda *_: next(replies, None)
    assert session.get(f"{seller.url}/a").text == "sold"
    seller.answering = lambda *_: reply
    with pytest.raises(error, match="It is"):
        session.get(f"{seller.url}/a")
    assert session.spent == 20


def test_a_payment_that_cannot_be_read_is_told(session: Session, seller: Seller) -> None:
    seller.answering = lambda _, asked: problem(409, "malformed-payment") if asked.pays else None
    with pytest.raises(PaymentMalformed, match="It is malformed-payment"):
        session.get(f"{seller.url}/a")


def test_a_body_is_sent_again_where_it_can_be(
    session: Session, seller: Seller, tmp_path: Path
) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"skipped, from a file")
    with file.open("rb") as stream:
        stream.seek(9)
        for data in (b"bytes", "text", {"a": "b"}, stream, io.BytesIO(b"memory")):
            assert session.post(f"{seller.url}/{type(data).__name__}", data=data).text == "sold"
    bodies = [asked.body for asked in seller.served]
    assert bodies == [b"bytes", b"text", b"a=b", b"from a file", b"memory"]
    assert all(asked.body for asked in seller.asked), "the body is there each time"


def test_a_body_that_can_be_sent_once_is_sent_after_the_price_was_asked(
    session: Session, seller: Seller
) -> None:
    def parts() -> Iterator[bytes]:
        yield from (b"a ", b"stream")

    assert session.post(f"{seller.url}/a", data=parts()).text == "sold"
    assert [(a.method, a.body) for a in seller.asked] == [("HEAD", b""), ("POST", b"a stream")]
    assert session.post(f"{seller.url}/a", data=parts()).text == "sold"
    assert len(seller.asked) == 3


def test_a_body_that_was_used_up_by_a_question_is_told(session: Session, seller: Seller) -> None:
    seller.answering = lambda _, asked: Reply(200) if asked.method == "HEAD" else None
    for _ in range(2):
        seller.price += 1
        with pytest.raises(BodyNotRepeatable):
            session.post(f"{seller.url}/a", data=iter([b"once"]))
    assert session.post(f"{seller.url}/a", data=iter([b"once"])).text == "sold"
    assert [asked.body for asked in seller.served] == [b"once"]


def test_a_redirect_on_the_same_host_is_paid(session: Session, seller: Seller) -> None:
    def redirect(_: Seller, asked: Asked) -> Reply | None:
        return Reply(302, {"Location": "/there"}) if asked.path == "/here" else None

    seller.answering = redirect
    response = session.get(f"{seller.url}/here")
    assert (response.text, [r.status_code for r in response.history]) == ("sold", [302])


def test_a_redirect_to_another_host_carries_no_payment_and_is_not_paid(
    session: Session, seller: Seller, ground: Ground
) -> None:
    other = Seller(ground)
    try:
        target = f"{other.url}/free"
        session.get(f"{seller.url}/a")

        def redirect(seller: Seller, asked: Asked) -> Reply:
            seller.honest(asked)
            shown = seller.terms(RDN_Sender_Balance=str(asked.balance))
            return Reply(302, {"Location": target, **shown})

        seller.answering = redirect
        response = session.get(f"{seller.url}/a")
        assert response.text == "free"
        assert not any("rdn" in name for name in other.asked[0].headers)
        unfollowed = session.get(f"{seller.url}/a", allow_redirects=False)
        assert unfollowed.next is not None
        assert not any("RDN" in name for name in unfollowed.next.headers)
        target = f"{other.url}/paid"
        with pytest.raises(RedirectedToPaid, match="costs 10"):
            session.get(f"{seller.url}/a")
        assert not any(asked.pays for asked in other.asked)
        assert session.get(f"{other.url}/paid").text == "sold", "who asks for it himself pays"
        with pytest.raises(RedirectedToPaid):
            session.get(f"{seller.url}/a")
    finally:
        other.stop()


def test_cookies_of_the_protocol_are_not_sent_back(session: Session, seller: Seller) -> None:
    seller.answering = lambda s, asked: (
        None if asked.pays else Reply(402, s.terms(Set_Cookie="RDN-Sender-Balance=7; Path=/"))
    )
    session.cookies.set("mine", "1")
    session.get(f"{seller.url}/a")
    session.get(f"{seller.url}/b")
    assert {asked.headers.get("cookie") for asked in seller.asked} == {"mine=1"}


def test_a_402_of_another_kind_is_the_callers(session: Session, seller: Seller) -> None:
    seller.answering = lambda *_: Reply(402, {}, b"send a cheque")
    assert session.get(f"{seller.url}/a").text == "send a cheque"
    assert session.spent == 0


def test_a_server_without_headers_in_its_answers_is_paid_too(
    session: Session, seller: Seller
) -> None:
    """Version 0.2.0 of the original server has none in most."""

    def bare(seller: Seller, asked: Asked) -> Reply:
        reply = seller.honest(asked)
        return Reply(200, {}, reply.body) if reply.status == 200 else reply

    seller.answering = bare
    for number in range(1, 4):
        payment = payment_of(session.get(f"{seller.url}/a"))
        assert payment is not None
        assert (payment.amount, payment.balance, payment.round_trips) == (10, number * 10, 2)


def test_a_session_stops_at_its_limit(client: Client, seller: Seller) -> None:
    with Session(client, hurried(max_spend=25)) as session:
        session.get(f"{seller.url}/a")
        session.get(f"{seller.url}/a")
        with pytest.raises(
            SpendAboveLimit, match=r"20 are spent, and 10 more .* 25; raise max_spend"
        ):
            session.get(f"{seller.url}/a")
        assert session.spent == 20
        assert session.get(f"{seller.url}/free").text == "free"


def test_a_day_stops_at_its_limit_for_all_sessions(client: Client, seller: Seller) -> None:
    limits = hurried(max_spend_per_day=25)
    for _ in range(2):
        with Session(client, limits) as session:
            session.get(f"{seller.url}/a")
    with Session(client, limits) as session:
        with pytest.raises(SpendAboveLimit, match="max_spend_per_day"):
            session.get(f"{seller.url}/a")
        assert session.spent == 0
    assert len(seller.served) == 2


def test_no_deposit_is_locked_up_for_a_payment_above_the_limit(
    client: Client, seller: Seller
) -> None:
    for limits in (hurried(max_spend=5), hurried(max_spend_per_day=5)):
        with Session(client, limits) as session, pytest.raises(SpendAboveLimit):
            session.get(f"{seller.url}/a")
    assert client.channels == []


def test_threads_pay_one_after_the_other(session: Session, seller: Seller) -> None:
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda n: session.get(f"{seller.url}/a?{n}").text, range(24)))
    assert texts == ["sold"] * 24
    assert sorted(asked.balance for asked in seller.served) == list(range(10, 250, 10))
    assert session.spent == 240
