"""A `requests.Session` that pays."""

import logging
import time
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from uraiden import header
from uraiden.action import Action, Call, Pause, Probe, Send, Tell
from uraiden.answer import PROBLEM_LIMIT, PROBLEM_TYPE, Answer, Problem
from uraiden.api import call_api
from uraiden.chain import Settlement
from uraiden.channel import Channel
from uraiden.client import Client
from uraiden.error import CloseRefused, FalseAgreement, UraidenError
from uraiden.hooks import Hooks
from uraiden.memory import Memory
from uraiden.policy import Policy
from uraiden.purchase import Payment, Purchase, Request
from uraiden.state import Status
from uraiden.values import TokenAmount

log = logging.getLogger(__name__)

_PAYMENT: Final = "uraiden_payment"
_ORIGIN: Final = "uraiden_origin"


class Session(Hooks, requests.Session):
    """Requests that pay as their servers ask, within the policy.

    The first request to a priced resource learns its price, opens a channel if there is none, and
    pays; each later one is one signature and one round trip. Redirects are followed without payment
    headers, and a redirect to another host is not paid: `RedirectedToPaid`.

    Subclasses may override the hooks, see `uraiden.hooks.Hooks`.

    Safe for threads as far as `requests.Session` is. A channel pays for one request at a time, so
    requests to one receiver wait for each other until their headers are answered.
    """

    def __init__(
        self,
        client: Client,
        policy: Policy,
        *,
        endpoint_url: str | None = None,
        close_channel_on_exit: bool = False,
    ) -> None:
        """`endpoint_url` is where `/api/1` is found when it is not where the last payment went
        to."""
        super().__init__()
        self.client = client
        self.policy = policy
        self.endpoint_url = endpoint_url
        self.close_channel_on_exit = close_channel_on_exit
        self.channel: Channel | None = None
        self._memory = Memory()

    @property
    def spent(self) -> TokenAmount:
        """What the session has signed away so far."""
        return self._memory.spent

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As `requests.Session.send`, but paid."""
        follow = kwargs.pop("allow_redirects", True)
        kwargs.setdefault("stream", self.stream)
        first = kwargs.pop(_ORIGIN, None)
        if first is not None:
            return self._buy(request, may_pay=first == _origin(request), **kwargs)
        method, url = str(request.method), str(request.url)
        self.on_init(method, url, **kwargs)
        response = self._buy(request, may_pay=True, **kwargs)
        if follow:
            # Each hop comes back to this method, and knows where it was started.
            start: dict[str, Any] = {_ORIGIN: _origin(request)}
            history = [response, *self.resolve_redirects(response, request, **kwargs, **start)]
            response = history.pop()
            response.history = history
        if not kwargs["stream"]:
            _ = response.content
        self.on_exit(method, url, response, **kwargs)
        return response

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """What belongs to one server does not go to the next."""
        super().rebuild_auth(prepared_request, response)
        for name in [name for name in prepared_request.headers if header.is_ours(name)]:
            del prepared_request.headers[name]

    def close(self) -> None:
        """Closes the channel, if that was asked for, and the connections."""
        try:
            if (
                self.close_channel_on_exit
                and self.channel is not None
                and self.channel.status is Status.OPEN
            ):
                self.close_channel()
        finally:
            super().close()

    def close_channel(self, endpoint_url: str | None = None) -> Settlement | None:
        """Settles the channel that paid last, with the receiver's agreement.

        Without it `on_cooperative_close_denied` decides, and the answer is `None`.
        """
        if self.channel is None:
            return None
        endpoint = endpoint_url or self.endpoint_url
        gateway = None if endpoint is None else f"{endpoint.rstrip('/')}/api/1"
        try:
            return self.channel.close_cooperatively(
                gateway, call=lambda call: call_api(call, self._send_plain)
            )
        except (CloseRefused, FalseAgreement) as refusal:
            self.on_cooperative_close_denied(refusal)
            return None

    def on_cooperative_close_denied(self, refusal: CloseRefused | FalseAgreement) -> None:
        """The receiver does not agree to close: the challenge period is started instead."""
        log.warning("%s", refusal)
        if self.channel is not None:
            self.channel.close()

    # === Driving a purchase

    def _buy(
        self, request: requests.PreparedRequest, may_pay: bool, **kwargs: Any
    ) -> requests.Response:
        body = _Body(request)
        facts = Request(str(request.method), str(request.url), body.repeatable, may_pay)
        steps = Purchase(facts, self.policy, self.client.contract, self._memory).run()
        turn = _Turn(self, request, body, kwargs)
        try:
            action = next(steps)
            while True:
                try:
                    result = turn.do(action)
                except UraidenError as error:
                    # The purchase gives back what it had reserved, and ends with the error.
                    action = steps.throw(error)
                else:
                    action = steps.send(result)
        except StopIteration as end:
            payment: Payment = end.value
        finally:
            steps.close()
        if payment.channel is not None:
            self.channel = Channel(self.client, payment.channel)
        response = turn.last()
        setattr(response, _PAYMENT, payment)
        return response

    def _send_once(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        return super().send(request, **{**kwargs, "stream": True, "allow_redirects": False})

    def _send_plain(self, request: requests.Request) -> requests.Response:
        """For the channel API: with the session's settings, and unpaid."""
        prepared = self.prepare_request(request)
        settings = self.merge_environment_settings(str(prepared.url), {}, True, None, None)
        return self._send_once(prepared, **{"timeout": 30.0, **settings})


class _Turn:
    """One request of a caller, as often as it has to be sent."""

    def __init__(
        self,
        session: Session,
        request: requests.PreparedRequest,
        body: "_Body",
        kwargs: dict[str, Any],
    ) -> None:
        self._session = session
        self._request = request
        self._body = body
        self._kwargs = kwargs
        self._response: requests.Response | None = None

    def do(self, action: Action) -> object:
        """Does what the purchase asks for."""
        match action:
            case Send(headers):
                return self._send(self._request.copy(), dict(headers))
            case Probe():
                head = self._request.copy()
                head.method, head.body = "HEAD", None
                for name in ("Content-Length", "Transfer-Encoding", "Content-Type"):
                    head.headers.pop(name, None)
                return self._send(head, {})
            case Pause(seconds):
                log.debug("waiting %g s for %s", seconds, self._request.url)
                time.sleep(seconds)
                return None
            case Tell(hook):
                call = getattr(self._session, hook)
                return call(self._request.method, self._request.url, self.last(), **self._kwargs)
            case Call():
                raise TypeError("a purchase has nothing to ask of the channel API")
            case _:
                return self._session.client.perform(action)

    def last(self) -> requests.Response:
        """The answer that came last."""
        if self._response is None:
            raise TypeError("the purchase has sent nothing yet")
        return self._response

    def _send(self, request: requests.PreparedRequest, payment: dict[str, str]) -> Answer:
        if self._response is not None:
            _discard(self._response)
        if request.body is not None:
            self._body.rewind()
        request.headers.update(payment)
        cookies = header.other_cookies(str(request.headers.pop("Cookie", "")))
        if cookies:
            request.headers["Cookie"] = cookies
        self._response = self._session._send_once(request, **self._kwargs)
        response = self._response
        return Answer(response.status_code, response.headers, _problem(response))


class _Body:
    """A request's body, and whether it can be sent again."""

    def __init__(self, request: requests.PreparedRequest) -> None:
        body: Any = request.body
        self._body = body
        self._start: int | None = None
        self.repeatable = body is None or isinstance(body, bytes | str)
        if not self.repeatable and hasattr(self._body, "seek") and hasattr(self._body, "tell"):
            # A pipe has both, and can do neither.
            with suppress(OSError, ValueError):
                self._start = self._body.tell()
                self._body.seek(self._start)
                self.repeatable = True

    def rewind(self) -> None:
        """Before it is sent, the first time too."""
        if self._start is not None:
            self._body.seek(self._start)


def payment_of(response: object) -> Payment | None:
    """What an answer of a `Session` or of `uraiden.httpx.Auth` cost; `None` for answers of
    others."""
    extensions = getattr(response, "extensions", {})
    found = getattr(response, _PAYMENT, None) or extensions.get(_PAYMENT)
    return found if isinstance(found, Payment) else None


def _origin(request: requests.PreparedRequest) -> tuple[str, str]:
    parts = urlsplit(str(request.url))
    return parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()


def _is_short(response: requests.Response) -> bool:
    length = response.headers.get("Content-Length", "")
    return (
        length.isascii() and length.isdigit() and len(length) < 7 and int(length) <= PROBLEM_LIMIT
    )


def _problem(response: requests.Response) -> Problem | None:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if response.status_code < 400 or kind != PROBLEM_TYPE or not _is_short(response):
        return None
    return Problem.read(response.content)


def _discard(response: requests.Response) -> None:
    """Makes the connection free for the next round trip, if that is cheap."""
    if _is_short(response):
        _ = response.content
    response.close()
