"""Paid requests over httpx. The purchase is that of `test_session`: only what differs is tested."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest

from tests.conftest import hurried
from tests.ground import Ground
from tests.seller import Asked, Reply, Seller, problem
from uraiden import Client, Payment, payment_of
from uraiden.error import BodyNotRepeatable, GatewayBusy, PaymentLost, PriceAboveLimit
from uraiden.httpx import Auth

Get = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Callable[[Auth, Callable[[Get], Awaitable[None]]], None]:
    """Runs a scene with an `httpx.Client`, and with an `httpx.AsyncClient`."""

    def run_scene(auth: Auth, scene: Callable[[Get], Awaitable[None]]) -> None:
        async def with_async() -> None:
            async with httpx.AsyncClient(auth=auth, trust_env=False) as http:
                await scene(http.request)

        async def with_sync() -> None:
            with httpx.Client(auth=auth, trust_env=False) as http:

                async def send(*args: object, **kwargs: object) -> httpx.Response:
                    return http.request(*args, **kwargs)  # type: ignore[arg-type]

                await scene(send)

        asyncio.run(with_async() if request.param == "async" else with_sync())

    return run_scene


Run = Callable[[Auth, Callable[[Get], Awaitable[None]]], None]


def paid(response: httpx.Response) -> Payment:
    """What an answer cost."""
    payment = payment_of(response)
    assert payment is not None
    return payment


def test_after_the_first_request_each_is_one_round_trip(
    run: Run, client: Client, seller: Seller
) -> None:
    auth = Auth(client, hurried())

    async def scene(send: Get) -> None:
        first = await send("GET", f"{seller.url}/a")
        assert (first.text, paid(first).round_trips, paid(first).balance) == ("sold", 2, 10)
        for number in range(2, 13):
            payment = paid(await send("GET", f"{seller.url}/a"))
            assert (payment.amount, payment.round_trips, payment.balance) == (10, 1, number * 10)
        free = await send("GET", f"{seller.url}/free")
        assert (free.text, paid(free).amount) == ("free", 0)

    run(auth, scene)
    assert auth.spent == 120
    assert client.channels[0].deposit == 150


def test_refusals_are_raised(run: Run, client: Client, seller: Seller) -> None:
    async def scene(send: Get) -> None:
        with pytest.raises(PriceAboveLimit):
            await send("GET", f"{seller.url}/a")
        seller.price = 5
        assert (await send("GET", f"{seller.url}/a")).text == "sold"
        seller.answering = lambda *_: problem(503, "busy", Retry_After="0")
        with pytest.raises(GatewayBusy, match="It is busy"):
            await send("GET", f"{seller.url}/a")

    run(Auth(client, hurried(max_price=9)), scene)


def test_a_redirect_carries_no_payment_and_its_402_is_the_callers(
    run: Run, client: Client, seller: Seller, ground: Ground
) -> None:
    other = Seller(ground)

    def redirect(seller: Seller, asked: Asked) -> Reply | None:
        if not asked.pays:
            return None
        seller.honest(asked)
        shown = seller.terms(RDN_Sender_Balance=str(asked.balance))
        return Reply(302, {"Location": f"{other.url}/paid", **shown})

    seller.answering = redirect

    async def scene(send: Get) -> None:
        for number in (1, 2):
            response = await send("GET", f"{seller.url}/a", follow_redirects=True)
            assert (response.status_code, str(response.url)) == (402, f"{other.url}/paid")
            assert paid(response).balance == number * 10

    run(Auth(client, hurried()), scene)
    other.stop()
    assert len(other.asked) == 2
    assert not any("rdn" in name for asked in other.asked for name in asked.headers)


def test_bodies_are_sent_again_where_they_can_be(run: Run, client: Client, seller: Seller) -> None:
    async def scene(send: Get) -> None:
        assert (await send("POST", f"{seller.url}/b", content=b"b")).text == "sold"
        assert (await send("POST", f"{seller.url}/j", json=[1])).text == "sold"
        assert (await send("POST", f"{seller.url}/d", data={"a": "b"})).text == "sold"
        files = {"file": io.BytesIO(b"in a file")}
        assert (await send("POST", f"{seller.url}/f", files=files)).text == "sold"

    run(Auth(client, hurried()), scene)
    assert [asked.body for asked in seller.served[:3]] == [b"b", b"[1]", b"a=b"]
    assert b"in a file" in seller.served[3].body
    assert seller.asked[-2].method == "HEAD", "multipart is sent once, after the price was asked"


def test_a_stream_is_sent_once(run: Run, client: Client, seller: Seller) -> None:
    is_async = False

    def once() -> Iterator[bytes]:
        yield b"once"

    async def once_async() -> AsyncIterator[bytes]:
        yield b"once"

    async def scene(send: Get) -> None:
        nonlocal is_async
        is_async = getattr(send, "__self__", None) is not None
        body = once_async if is_async else once
        seller.answering = lambda _, asked: Reply(200) if asked.method == "HEAD" else None
        with pytest.raises(BodyNotRepeatable):
            await send("POST", f"{seller.url}/a", content=body())
        assert (await send("POST", f"{seller.url}/a", content=body())).text == "sold"

    run(Auth(client, hurried()), scene)
    assert [asked.body for asked in seller.served] == [b"once"]


def test_cookies_of_the_protocol_are_not_sent_back(
    run: Run, client: Client, seller: Seller
) -> None:
    seller.answering = lambda s, asked: (
        None if asked.pays else Reply(402, s.terms(Set_Cookie="RDN-Sender-Balance=7; Path=/"))
    )

    async def scene(send: Get) -> None:
        assert (await send("GET", f"{seller.url}/a")).text == "sold"
        assert (await send("GET", f"{seller.url}/b")).text == "sold"

    run(Auth(client, hurried()), scene)
    assert {asked.headers.get("cookie") for asked in seller.asked} == {None}


def test_tasks_pay_one_after_the_other_and_do_not_block_the_loop(
    client: Client, seller: Seller
) -> None:
    async def scene() -> None:
        async with httpx.AsyncClient(auth=Auth(client, hurried(max_wait=20.0))) as http:
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.002)
                    ticks += 1

            ticking = asyncio.create_task(tick())
            tasks = [http.get(f"{seller.url}/a?{n}", timeout=20) for n in range(60)]
            answers = await asyncio.gather(*tasks)
            ticking.cancel()
            assert [a.text for a in answers] == ["sold"] * 60
            assert ticks > 20

    asyncio.run(scene())
    assert sorted(asked.balance for asked in seller.served) == list(range(10, 610, 10))


def test_a_cancelled_request_frees_the_channel_and_is_asked_about(
    client: Client, seller: Seller
) -> None:
    auth = Auth(client, hurried())
    hold, arrived = threading.Event(), threading.Event()

    def stall(seller: Seller, asked: Asked) -> Reply | None:
        if not hold.is_set():
            arrived.set()
            hold.wait(10)
        return None

    async def scene() -> None:
        async with httpx.AsyncClient(auth=auth) as http:
            await http.get(f"{seller.url}/a")
            seller.answering = stall
            task = asyncio.create_task(http.get(f"{seller.url}/a"))
            await asyncio.to_thread(arrived.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            hold.set()
            # The server has served it, to nobody.
            with pytest.raises(PaymentLost):
                await http.get(f"{seller.url}/a", timeout=10)
            seller.answering = None
            assert (await http.get(f"{seller.url}/a")).text == "sold"

    try:
        asyncio.run(scene())
    finally:
        hold.set()
    balances = [asked.balance for asked in seller.asked if asked.pays]
    assert balances[:3] == [10, 20, 20]
    assert balances[-1] == 30
