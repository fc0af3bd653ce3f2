"""The hooks of a session, under their old names."""

from typing import Any

import pytest
import requests

import uraiden
from tests.conftest import hurried
from tests.seller import Reply, Seller
from uraiden import Client, Session, payment_of
from uraiden.error import CloseRefused, FalseAgreement, OtherContract, TooManyRetries
from uraiden.hooks import Hooks


class Recorder(Session):
    """Notes what it hears, and says what it is told to."""

    def __init__(self, client: Client, **answers: bool) -> None:
        super().__init__(client, hurried())
        self.heard: list[tuple[str, int]] = []
        self.answers = answers
        for name in vars(Hooks):
            if name.startswith("on_"):
                setattr(self, name, self._hook(name))

    def _hook(self, name: str) -> Any:
        usual = getattr(self, name)

        def hook(
            method: str, url: str, response: requests.Response | None = None, **kwargs: Any
        ) -> Any:
            assert (method, url[:7]) == ("GET", "http://")
            assert "timeout" in kwargs
            self.heard.append((name, 0 if response is None else response.status_code))
            said = usual(method, url, *([] if response is None else [response]), **kwargs)
            return self.answers.get(name, said)

        return hook

    def names(self) -> list[str]:
        """What was heard."""
        return [name for name, _ in self.heard]


def test_a_paid_request_is_heard_from_end_to_end(client: Client, seller: Seller) -> None:
    with Recorder(client) as session:
        session.get(f"{seller.url}/a")
        assert session.heard == [
            ("on_init", 0),
            ("on_http_response", 402),
            ("on_payment_requested", 402),
            ("on_http_response", 200),
            ("on_success", 200),
            ("on_exit", 200),
        ]


@pytest.mark.parametrize(
    ("hook", "headers"),
    [
        ("on_payment_requested", {}),
        ("on_insufficient_confirmations", {"RDN_Insufficient_Confirmations": "1"}),
        ("on_nonexisting_channel", {"RDN_Nonexisting_Channel": "1"}),
        ("on_invalid_balance_proof", {"RDN_Invalid_Balance_Proof": "1"}),
        ("on_invalid_amount", {"RDN_Invalid_Amount": "1"}),
        ("on_invalid_contract_address", {"RDN_Contract_Address": "0x" + "11" * 20}),
        ("on_http_response", {}),
    ],
)
def test_false_ends_it_with_that_402(
    hook: str, headers: dict[str, str], client: Client, seller: Seller
) -> None:
    seller.answering = lambda s, _: s.charge(**headers)
    with Recorder(client, **{hook: False}) as session:
        response = session.get(f"{seller.url}/a")
        payment = payment_of(response)
        assert response.status_code == 402
        assert payment is not None
        assert (payment.amount, payment.round_trips, session.spent) == (0, 1, 0)
        assert hook in session.names()
        assert session.names()[-1] == "on_exit"


def test_false_after_a_payment_ends_it_too_and_the_payment_stays_pending(
    client: Client, seller: Seller
) -> None:
    seller.answering = lambda s, asked: (
        s.charge(RDN_Insufficient_Confirmations="1") if asked.pays else None
    )
    with Recorder(client, on_insufficient_confirmations=False) as session:
        assert session.get(f"{seller.url}/a").status_code == 402
        (channel,) = client.channels
        assert (channel.saved.balance, channel.saved.pending) == (0, 10)
        seller.answering = None
        assert session.get(f"{seller.url}/a").text == "sold"
        assert session.spent == 10


def test_an_error_of_the_service_is_heard(client: Client, seller: Seller) -> None:
    seller.answering = lambda *_: Reply(404)
    with Recorder(client) as session:
        assert session.get(f"{seller.url}/a").status_code == 404
        assert session.heard[-2] == ("on_http_error", 404)


def test_true_after_an_answer_asks_again_for_a_while(client: Client, seller: Seller) -> None:
    with Recorder(client, on_success=True) as session:
        with pytest.raises(TooManyRetries):
            session.get(f"{seller.url}/a")
        assert session.names().count("on_success") == 4
        assert session.spent == 40


def test_a_wrong_contract_is_heard_and_raised(client: Client, seller: Seller) -> None:
    seller.answering = lambda s, _: s.charge(RDN_Contract_Address="0x" + "11" * 20)
    with Recorder(client) as session:
        with pytest.raises(OtherContract):
            session.get(f"{seller.url}/a")
        assert session.names()[-1] == "on_invalid_contract_address"


def test_a_refused_closing_is_heard(client: Client, seller: Seller) -> None:
    class Patient(Session):
        refusals: list[CloseRefused | FalseAgreement] = []  # noqa: RUF012

        def on_cooperative_close_denied(self, refusal: CloseRefused | FalseAgreement) -> None:
            self.refusals.append(refusal)

    with Patient(client, hurried()) as session:
        assert session.close_channel() is None, "nothing to close"
        session.get(f"{seller.url}/a")
        seller.answering = lambda *_: Reply(400, {}, b'{"detail": "the balance is not 10"}')
        assert session.close_channel() is None
        (refusal,) = session.refusals
        assert "(400): the balance is not 10; close without it" in str(refusal)
        info = client.channels[0].on_chain()
        assert info is not None
        assert info.settle_block is None


def test_one_request_alone(client: Client, seller: Seller) -> None:
    policy = hurried()
    for call in (uraiden.get, uraiden.post, uraiden.put, uraiden.patch, uraiden.delete):
        assert call(f"{seller.url}/a", client=client, policy=policy).text == "sold"
    for call in (uraiden.head, uraiden.options):
        assert call(f"{seller.url}/a", client=client, policy=policy).status_code == 200
    methods = [asked.method for asked in seller.served]
    assert methods == ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    assert client.channels[0].balance == 70
