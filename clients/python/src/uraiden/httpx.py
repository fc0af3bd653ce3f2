"""Payments for httpx, sync and async: `httpx.Client(auth=uraiden.httpx.Auth(client, policy))`."""

import time
from collections.abc import AsyncGenerator, Generator
from typing import Any

import anyio
import anyio.to_thread
import httpx

from uraiden import header
from uraiden.action import Action, Call, Lock, Pause, Probe, Send, Tell
from uraiden.answer import PROBLEM_LIMIT, PROBLEM_TYPE, Answer, Problem
from uraiden.client import Client
from uraiden.error import UraidenError
from uraiden.memory import Memory
from uraiden.policy import Policy
from uraiden.purchase import Payment, Purchase, Request
from uraiden.session import _PAYMENT
from uraiden.values import TokenAmount

_GO_ON = frozenset({"on_success", "on_http_error"})


class Auth(httpx.Auth):
    """Pays for the requests of an `httpx.Client` or `httpx.AsyncClient`, within the policy.

    Payment headers go to the host that asked for them and nowhere else: where the client follows
    redirects, they are not in the requests that follow, and a 402 at the end of a redirect is the
    caller's.

    `uraiden.payment_of` says what an answer cost. Raises what is in `uraiden.error`.
    """

    def __init__(self, client: Client, policy: Policy) -> None:
        self._client = client
        self._policy = policy
        self._memory = Memory()

    @property
    def spent(self) -> TokenAmount:
        """What was signed away so far."""
        return self._memory.spent

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Called by `httpx.Client`."""
        turn = _Turn(request)
        steps = self._steps(request)
        try:
            action = next(steps)
            while True:
                try:
                    result: object
                    sent = turn.request_for(action)
                    if sent is not None:
                        own = turn.took((yield sent), sent)
                        if _has_problem(own):
                            own.read()
                        result = _answer(own)
                    elif isinstance(action, Pause):
                        time.sleep(action.seconds)
                        result = None
                    else:
                        result = self._do(action)
                except UraidenError as error:
                    action = steps.throw(error)
                else:
                    action = steps.send(result)
        except StopIteration as end:
            turn.finish(end.value)
        finally:
            steps.close()

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Called by `httpx.AsyncClient`. What blocks runs in a thread."""
        turn = _Turn(request)
        steps = self._steps(request)
        try:
            action = next(steps)
            while True:
                try:
                    result: object
                    sent = turn.request_for(action)
                    if sent is not None:
                        own = turn.took((yield sent), sent)
                        if _has_problem(own):
                            await own.aread()
                        result = _answer(own)
                    elif isinstance(action, Pause):
                        await anyio.sleep(action.seconds)
                        result = None
                    elif isinstance(action, Lock | Tell):
                        result = self._do(action)
                    else:
                        result = await anyio.to_thread.run_sync(self._do, action)
                except UraidenError as error:
                    action = steps.throw(error)
                else:
                    action = steps.send(result)
        except StopIteration as end:
            turn.finish(end.value)
        finally:
            steps.close()

    def _steps(self, request: httpx.Request) -> Generator[Action, object, Payment]:
        repeatable = isinstance(request.stream, httpx.ByteStream)
        facts = Request(request.method, str(request.url), repeatable)
        return Purchase(facts, self._policy, self._client.contract, self._memory).run()

    def _do(self, action: Action) -> object:
        match action:
            case Tell(hook):
                return hook not in _GO_ON
            case Send() | Probe() | Pause() | Call():
                raise TypeError(f"{action!r} is not for the client")
            case _:
                return self._client.perform(action)


class _Turn:
    """One request of a caller, as often as it has to be sent."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request
        self._last: httpx.Response | None = None

    def request_for(self, action: Action) -> httpx.Request | None:
        """What an action sends; `None` where it sends nothing."""
        if isinstance(action, Send):
            return _paid(self._request, action)
        if isinstance(action, Probe):
            headers = httpx.Headers(self._request.headers)
            for name in ("Content-Length", "Transfer-Encoding", "Content-Type"):
                headers.pop(name, None)
            return httpx.Request(
                "HEAD", self._request.url, headers=headers, extensions=self._request.extensions
            )
        return None

    def took(self, response: httpx.Response, sent: httpx.Request) -> httpx.Response:
        """The answer to what was sent itself, where the client has followed a redirect since."""
        self._last = response
        return next((r for r in response.history if r.request is sent), response)

    def finish(self, payment: Payment) -> None:
        """Says what the last answer cost."""
        if self._last is not None:
            self._last.extensions[_PAYMENT] = payment


class _PaymentHeaders(httpx.Headers):
    """Headers of a request with a payment on top, which copies of them do not have: a redirect
    copies them."""

    def __init__(self, headers: httpx.Headers, payment: dict[str, str]) -> None:
        super().__init__(headers)
        self._payment = [(name.encode(), value.encode()) for name, value in payment.items()]

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """What is sent."""
        return [*super().raw, *self._payment]


def _paid(request: httpx.Request, action: Send) -> httpx.Request:
    paid = httpx.Request(
        request.method, request.url, stream=request.stream, extensions=request.extensions
    )
    headers = httpx.Headers(request.headers)
    cookies = header.other_cookies(headers.pop("Cookie", ""))
    if cookies:
        headers["Cookie"] = cookies
    paid.headers = _PaymentHeaders(headers, dict(action.headers))
    return paid


def _has_problem(response: httpx.Response) -> bool:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    length = response.headers.get("Content-Length", "")
    short = length.isascii() and length.isdigit() and len(length) < 7
    return (
        response.status_code >= 400
        and kind == PROBLEM_TYPE
        and short
        and int(length) <= PROBLEM_LIMIT
    )


def _answer(response: httpx.Response) -> Answer:
    headers: Any = response.headers
    problem = Problem.read(response.content) if _has_problem(response) else None
    return Answer(response.status_code, headers, problem)
