"""What an answer says: the terms of a 402, what is wrong with our payment, and what the server
holds."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from uraiden import header, values
from uraiden.error import UnreadableAnswer
from uraiden.signature import Signature
from uraiden.values import Address, TokenAmount

T = TypeVar("T")

PROBLEM_TYPE: Final = "application/problem+json"
PROBLEM_LIMIT: Final = 65536
"""The longest problem document that is read, in bytes."""

# The documents of the protocol have a handful.
_MAX_BRACKETS: Final = 100
_PROBLEM_PREFIX: Final = "urn:uraiden:problem:"


def read_object(body: bytes) -> dict[str, Any] | None:
    """A JSON object from a server; `None` where the body is none.

    Depth is bounded before the parser sees it: libraries raise Python's recursion limit so far that
    a deep document ends the whole process.

    >>> read_object(b'{"a": [1]}'), read_object(b"[" * 10**6)
    ({'a': [1]}, None)
    """
    if body.count(b"[") + body.count(b"{") > _MAX_BRACKETS:
        return None
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


@dataclass(frozen=True)
class Problem:
    """A problem document (RFC 9457) of the paywall itself."""

    code: str
    detail: str

    @classmethod
    def read(cls, body: bytes) -> "Problem | None":
        """The problem in a body; `None` where it is none of the paywall's.

        >>> Problem.read(b'{"type": "urn:uraiden:problem:busy", "detail": "Full."}')
        Problem(code='busy', detail='Full.')
        """
        document = read_object(body)
        if document is None:
            return None
        kind, detail = document.get("type"), document.get("detail")
        if not isinstance(kind, str) or not kind.startswith(_PROBLEM_PREFIX):
            return None
        words = detail if isinstance(detail, str) else "no detail"
        return cls(kind[len(_PROBLEM_PREFIX) :], words[:500])


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, as far as payment is concerned. `headers` are looked up without case."""

    status: int
    headers: Mapping[str, str]
    problem: Problem | None = None

    @property
    def balance(self) -> TokenAmount | None:
        """The balance that it shows, if it shows a readable one. A claim."""
        try:
            return _optional(self.headers, header.SENDER_BALANCE, values.amount)
        except UnreadableAnswer:
            return None

    @property
    def retry_after(self) -> float:
        """What `Retry-After` says in seconds, 1 where it says nothing readable."""
        text = self.headers.get("Retry-After", "")
        return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1.0


@dataclass(frozen=True)
class Terms:
    """What a server asks for a resource."""

    price: TokenAmount
    contract: Address
    receiver: Address
    token: Address | None
    gateway_path: str


class Complaint(Enum):
    """What is wrong with a payment. The first that an answer has counts."""

    NONEXISTING_CHANNEL = header.NONEXISTING_CHANNEL
    INSUFFICIENT_CONFIRMATIONS = header.INSUFFICIENT_CONFIRMATIONS
    INVALID_BALANCE_PROOF = header.INVALID_BALANCE_PROOF
    INVALID_AMOUNT = header.INVALID_AMOUNT


@dataclass(frozen=True)
class Held:
    """The balance that a server says it holds, and our proof of it; absent before the first
    payment."""

    balance: TokenAmount
    signature: Signature | None


@dataclass(frozen=True)
class Charge:
    """A 402 of µRaiden, read."""

    terms: Terms
    complaint: Complaint | None
    held: Held | None
    code: str | None = None
    """What the problem document says, if there is one."""

    @classmethod
    def read(cls, answer: Answer) -> "Charge":
        """Reads the headers of a 402. Raises `UnreadableAnswer` for one that is missing or makes
        no sense."""
        headers = answer.headers
        balance = _optional(headers, header.SENDER_BALANCE, values.amount)
        signature = _optional(headers, header.BALANCE_SIGNATURE, Signature.parse)
        complaint = next((c for c in Complaint if c.value in headers), None)
        held = None if balance is None else Held(balance, signature)
        code = None if answer.problem is None else answer.problem.code
        return cls(_terms(headers), complaint, held, code)


def is_charge(answer: Answer) -> bool:
    """Whether this is a 402 that asks for a µRaiden payment, and not one of another kind."""
    return answer.status == 402 and any(header.is_ours(name) for name in answer.headers)


def _terms(headers: Mapping[str, str]) -> Terms:
    return Terms(
        price=_required(headers, header.PRICE, values.price),
        contract=_required(headers, header.CONTRACT_ADDRESS, values.address),
        receiver=_required(headers, header.RECEIVER_ADDRESS, values.address),
        token=_optional(headers, header.TOKEN_ADDRESS, values.address),
        gateway_path=headers.get(header.GATEWAY_PATH, "/api/1"),
    )


def _required(headers: Mapping[str, str], name: str, read: Callable[[object], T]) -> T:
    value = _optional(headers, name, read)
    if value is None:
        raise UnreadableAnswer(name, None, "missing")
    return value


def _optional(headers: Mapping[str, str], name: str, read: Callable[[object], T]) -> T | None:
    text = headers.get(name)
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise UnreadableAnswer(name, text, str(error)) from None
