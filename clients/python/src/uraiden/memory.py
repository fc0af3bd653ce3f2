"""What a session has learned of servers, and what it has spent."""

import threading
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from uraiden.answer import Terms
from uraiden.error import OtherReceiver, SpendAboveLimit
from uraiden.values import Address, TokenAmount

# One more, and a session starts to remember anew.
_MAX_RESOURCES: Final = 1000


@dataclass(frozen=True)
class Resource:
    """What has a price. The query may differ.

    >>> Resource.of("GET", "HTTP://A.example:80/b?c=d")
    Resource(method='GET', origin='http://a.example:80', path='/b')
    """

    method: str
    origin: str
    path: str

    @classmethod
    def of(cls, method: str, url: str) -> "Resource":
        """The resource that a request is for."""
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
        return cls(method.upper(), f"{parts.scheme.lower()}://{host}", parts.path or "/")


class Memory:
    """Shared by all requests of a session. Safe for threads."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._terms: dict[Resource, Terms] = {}
        self._receivers: dict[str, Address] = {}
        self._spent: TokenAmount = 0

    def terms(self, resource: Resource) -> Terms | None:
        """What the resource asked for last time; `None` where it was free or is not known."""
        return self._terms.get(resource)

    def learn(self, resource: Resource, terms: Terms) -> None:
        """Remembers what a resource asks for."""
        with self._mutex:
            if len(self._terms) >= _MAX_RESOURCES:
                self._terms.clear()
            self._terms[resource] = terms

    def forget(self, resource: Resource) -> None:
        """The resource may be free, or not: it has to be asked again."""
        with self._mutex:
            self._terms.pop(resource, None)

    def pin(self, origin: str, receiver: Address) -> None:
        """A server is paid at one address. Raises `OtherReceiver` where it names another than
        before."""
        with self._mutex:
            pinned = self._receivers.setdefault(origin, receiver)
        if pinned != receiver:
            raise OtherReceiver(receiver, f"{pinned}, which {origin} named before,")

    @property
    def spent(self) -> TokenAmount:
        """What the session has signed away so far."""
        return self._spent

    def reserve(self, amount: TokenAmount, limit: TokenAmount | None) -> None:
        """Spends. Raises `SpendAboveLimit` where the limit would be passed."""
        with self._mutex:
            if limit is not None and amount and self._spent + amount > limit:
                raise SpendAboveLimit("max_spend", self._spent, amount, limit)
            self._spent += amount

    def give_back(self, amount: TokenAmount) -> None:
        """What was reserved was not signed after all."""
        with self._mutex:
            self._spent -= amount
