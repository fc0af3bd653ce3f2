"""What is read at the door."""

import pickle
from collections.abc import Callable

import pytest

from uraiden import error, header, values
from uraiden.answer import Answer, Charge, Problem, is_charge
from uraiden.error import PriceAboveLimit, UnreadableAnswer, UraidenError
from uraiden.signature import Signature

CHECKSUMMED = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.mark.parametrize(
    "text",
    [CHECKSUMMED, CHECKSUMMED.lower(), CHECKSUMMED[2:], CHECKSUMMED[2:].upper(), "0X" + "0" * 40],
)
def test_addresses_come_in_any_case(text: str) -> None:
    assert values.address(text) in (CHECKSUMMED, "0x" + "0" * 40)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (values.address, CHECKSUMMED[:-1]),
        (values.address, CHECKSUMMED[:-1] + "c8"[0]),
        (values.address, CHECKSUMMED + "0"),
        (values.address, "0x" + "g" * 40),
        (values.address, "0x" + "٣" * 40),
        (values.address, b"0" * 40),
        (values.address, None),
        (values.amount, "-1"),
        (values.amount, "+1"),
        (values.amount, "1_000"),
        (values.amount, " 1"),
        (values.amount, "1e3"),
        (values.amount, "1.0"),
        (values.amount, "٣"),
        (values.amount, ""),
        (values.amount, "9" * 10_000),
        (values.amount, str(2**192)),
        (values.amount, 2**192),
        (values.amount, -1),
        (values.amount, 1.0),
        (values.amount, True),
        (values.price, 0),
        (values.block_number, 2**32),
        (Signature.parse, "0x" + "1b" * 64),
        (Signature.parse, "0x" + "1b" * 66),
        (Signature.parse, "0x" + "1b" * 64 + "1d"),
        (Signature.parse, "0x" + "1b" * 64 + "1"),
        (Signature.parse, "zz" * 65),
        (Signature.parse, None),
    ],
)
def test_what_is_out_of_range_is_refused(read: Callable[[object], object], value: object) -> None:
    with pytest.raises(ValueError, match=r"is not|where"):
        read(value)


def test_the_bounds_themselves_are_taken() -> None:
    assert values.amount(str(2**192 - 1)) == 2**192 - 1
    assert values.amount("007") == 7
    assert values.block_number(2**32 - 1) == 2**32 - 1


def test_v_is_0_1_27_or_28_and_is_sent_as_27_or_28() -> None:
    for v, shown in ((0, "1b"), (27, "1b"), (1, "1c"), (28, "1c")):
        assert str(Signature(b"\1" * 64 + bytes([v]))) == "0x" + "01" * 64 + shown
    assert repr(Signature(b"\1" * 65)) == "Signature(0x01010101…)"


TERMS = {
    header.PRICE: "10",
    header.CONTRACT_ADDRESS: CHECKSUMMED.lower(),
    header.RECEIVER_ADDRESS: CHECKSUMMED,
}


def test_a_402_is_read() -> None:
    charge = Charge.read(Answer(402, TERMS))
    assert (charge.terms.price, charge.terms.contract) == (10, CHECKSUMMED)
    assert (charge.terms.token, charge.terms.gateway_path) == (None, "/api/1")
    assert (charge.complaint, charge.held, charge.code) == (None, None, None)


@pytest.mark.parametrize("name", list(TERMS))
def test_what_a_402_lacks_is_named(name: str) -> None:
    headers = {key: value for key, value in TERMS.items() if key != name}
    with pytest.raises(UnreadableAnswer, match=f"{name}: missing"):
        Charge.read(Answer(402, headers))


def test_the_gravest_complaint_counts() -> None:
    headers = {**TERMS, header.INVALID_AMOUNT: "1", header.NONEXISTING_CHANNEL: "0"}
    complaint = Charge.read(Answer(402, headers)).complaint
    assert complaint is not None
    assert complaint.value == header.NONEXISTING_CHANNEL


def test_only_402s_with_our_headers_are_ours() -> None:
    assert is_charge(Answer(402, {"rdn-price": "x"}))
    assert not is_charge(Answer(402, {"Price": "1"}))
    assert not is_charge(Answer(200, TERMS))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"type": 1}', b'{"type": "about:blank"}', b"[" * 100_000, b"\xff"]
)
def test_problems_of_others_are_none(body: bytes) -> None:
    assert Problem.read(body) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("", 1.0), ("soon", 1.0), ("-1", 1.0), ("9" * 9, 1.0)]
)
def test_retry_after_is_read_with_care(text: str, seconds: float) -> None:
    assert Answer(503, {"Retry-After": text}).retry_after == seconds


def test_errors_survive_a_process_pool() -> None:
    found = pickle.loads(pickle.dumps(PriceAboveLimit(12, 10)))
    assert isinstance(found, PriceAboveLimit)
    assert (str(found), found.price) == (str(PriceAboveLimit(12, 10)), 12)


def test_every_error_is_one_of_ours_and_documented() -> None:
    found = [e for e in vars(error).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert len(found) > 25
    for kind in found:
        assert issubclass(kind, UraidenError)
        assert kind.__doc__
