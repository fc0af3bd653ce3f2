"""Against the real stack: chain, contract, sidecar, Envoy and filter."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import requests

from tests.conftest import hurried
from tests.ground import REPO
from tests.stack import Stack, Wire
from uraiden import Client, Payment, Policy, Session, Status, payment_of
from uraiden.cli import main
from uraiden.error import CloseRefused, GatewayUnavailable, PaymentLost
from uraiden.httpx import Auth


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One for all tests: each has an account of its own."""
    found = Stack.start()
    yield found
    found.stop()


@pytest.fixture
def client(stack: Stack, tmp_path: Path) -> Client:
    """A client with an account of its own."""
    return stack.client(tmp_path / "state.db")


def patient(**more: object) -> Policy:
    """A policy that waits for blocks."""
    return hurried(**{"max_wait": 30.0, "retry_interval": 0.1, **more})


def paid(response: object) -> Payment:
    """What an answer cost."""
    payment = payment_of(response)
    assert payment is not None
    return payment


def test_a_hundred_requests_are_a_hundred_round_trips_and_the_sums_are_right(
    stack: Stack, client: Client
) -> None:
    receiver, sender = stack.tokens(stack.receiver), stack.tokens(client.address)
    with Session(client, patient(initial_deposit=lambda price: 110 * price)) as session:
        first = session.get(stack.url())
        assert (first.status_code, paid(first).amount) == (200, stack.price)
        for number in range(2, 102):
            response = session.get(stack.url(f"?{number}"))
            assert response.status_code == 200
            payment = paid(response)
            assert (payment.round_trips, payment.balance) == (1, number * stack.price)
        assert session.spent == 101 * stack.price
        settlement = session.close_channel()
    assert settlement is not None
    assert settlement.balance == 101 * stack.price
    assert stack.tokens(stack.receiver) == receiver + 101 * stack.price
    assert stack.tokens(client.address) == sender - 101 * stack.price
    assert client.channels == []


def test_a_deposit_that_runs_out_is_topped_up(stack: Stack, client: Client) -> None:
    limits = patient(initial_deposit=lambda p: 2 * p, topup_deposit=lambda p: 2 * p)
    with Session(client, limits) as session:
        payments = [paid(session.get(stack.url())) for _ in range(4)]
    assert [p.deposit for p in payments] == [2 * stack.price] * 2 + [4 * stack.price] * 2
    assert payments[-1].balance == 4 * stack.price


def test_a_lost_state_is_adopted_from_the_server(
    stack: Stack, client: Client, tmp_path: Path
) -> None:
    with Session(client, patient()) as session:
        for _ in range(3):
            session.get(stack.url())
    anew = Client(client.signer, stack.contract, rpc_url=stack.rpc_url, state=tmp_path / "new.db")
    with Session(anew, patient()) as session:
        payment = paid(session.get(stack.url()))
        assert (payment.balance, payment.amount) == (4 * stack.price, stack.price)
        assert session.spent == stack.price
        session.close_channel()


def test_a_line_that_breaks_on_the_way_there_costs_nothing(stack: Stack, client: Client) -> None:
    wire = Wire(stack.envoy_url)
    with Session(client, patient()) as session:
        session.get(wire.url + stack.paid_path)
        wire.cut_requests = True
        with pytest.raises(requests.ConnectionError):
            session.get(wire.url + stack.paid_path, timeout=5)
        wire.cut_requests = False
        payment = paid(session.get(wire.url + stack.paid_path))
        assert (payment.balance, payment.amount) == (2 * stack.price, stack.price)
        settlement = session.close_channel()
    wire.close()
    assert settlement is not None
    assert settlement.balance == 2 * stack.price


def test_a_line_that_breaks_on_the_way_back_loses_one_payment_and_says_so(
    stack: Stack, client: Client
) -> None:
    wire = Wire(stack.envoy_url)
    with Session(client, patient()) as session:
        session.get(wire.url + stack.paid_path)
        wire.cut_answers = True
        with pytest.raises(requests.ConnectionError):
            session.get(wire.url + stack.paid_path, timeout=5)
        wire.cut_answers = False
        with pytest.raises(PaymentLost) as caught:
            session.get(wire.url + stack.paid_path)
        assert caught.value.amount == stack.price
        payment = paid(session.get(wire.url + stack.paid_path))
        assert payment.balance == 3 * stack.price
        settlement = session.close_channel()
    wire.close()
    assert settlement is not None
    assert settlement.balance == 3 * stack.price


def test_a_server_that_freezes_in_the_middle_of_a_payment_is_outlived(
    stack: Stack, client: Client
) -> None:
    with Session(client, patient(max_retries=0)) as session:
        session.get(stack.url())
        with stack.frozen_sidecar(), pytest.raises(GatewayUnavailable):
            session.get(stack.url())
    with Session(client, patient(max_retries=100)) as session:
        payment = paid(session.get(stack.url()))
        assert payment.balance == 2 * stack.price
        settlement = session.close_channel()
    assert settlement is not None
    assert settlement.balance == 2 * stack.price


def test_a_server_that_is_killed_in_the_middle_of_a_payment_is_outlived(
    stack: Stack, client: Client
) -> None:
    with Session(client, patient(max_retries=100)) as session:
        session.get(stack.url())
        # The request is at the service when the channel manager dies: it is paid, durably.
        slow = threading.Thread(target=session.get, args=(stack.url("?delayMs=1000"),))
        slow.start()
        time.sleep(0.5)
        with stack.killed_sidecar():
            slow.join()
        payment = paid(session.get(stack.url()))
        assert payment.balance == 3 * stack.price
        with stack.killed_sidecar(), pytest.raises(GatewayUnavailable):
            Session(client, patient(max_retries=0)).get(stack.url())
        payment = paid(session.get(stack.url()))
        assert payment.balance == 4 * stack.price
        settlement = session.close_channel()
    assert settlement is not None
    assert settlement.balance == 4 * stack.price


def test_a_failure_of_the_service_costs_nothing(stack: Stack, client: Client) -> None:
    with Session(client, patient()) as session:
        session.get(stack.url())
        response = session.get(stack.url("?status=503"))
        assert (response.status_code, paid(response).amount) == (503, 0)
        payment = paid(session.get(stack.url()))
        assert (payment.balance, payment.round_trips) == (2 * stack.price, 1)
        assert session.get(stack.url("?status=404")).status_code == 404
        assert paid(session.get(stack.url())).balance == 4 * stack.price
        assert session.get(f"{stack.envoy_url}{stack.free_path}").status_code == 200


def test_a_refused_closing_leaves_the_challenge_period(stack: Stack, client: Client) -> None:
    receiver, sender = stack.tokens(stack.receiver), stack.tokens(client.address)
    with Session(client, patient()) as session:
        session.get(stack.url())
        session.get(stack.url())
        channel = session.channel
        assert channel is not None
        assert session.close_channel(f"{stack.envoy_url}/nowhere") is None
    assert channel.status is Status.CLOSING
    info = channel.on_chain()
    assert info is not None
    assert info.settle_block is not None
    stack.mine(info.settle_block - client.chain.block_number() + 1)
    assert channel.settle().balance == 2 * stack.price
    assert stack.tokens(stack.receiver) == receiver + 2 * stack.price
    assert stack.tokens(client.address) == sender - 2 * stack.price


def test_a_channel_without_payments_cannot_be_closed_together(stack: Stack, client: Client) -> None:
    channel = client.open_channel(stack.receiver, 5)
    with pytest.raises(CloseRefused, match="nothing was paid"):
        channel.close_cooperatively(f"{stack.envoy_url}/api/1")


WORKER = """
import sys
from uraiden import Client, Policy, Session, payment_of
key, contract, rpc_url, state, url = sys.argv[1:]
client = Client(key, contract, rpc_url=rpc_url, state=state, poll=0.1)
policy = Policy(max_price=1000, max_wait=60, retry_interval=0.1, initial_deposit=lambda p: 60 * p)
with Session(client, policy) as session:
    for _ in range(25):
        print(payment_of(session.get(url)).balance, flush=True)
"""


def test_processes_share_a_state_file(stack: Stack, tmp_path: Path) -> None:
    state, key = tmp_path / "state.db", stack.key()
    arguments = [key, stack.contract, stack.rpc_url, str(state), stack.url()]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, *arguments], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    balances = []
    for worker in workers:
        said, _ = worker.communicate(timeout=60)
        assert worker.returncode == 0
        balances.append([int(line) for line in said.split()])
    every = sorted(balances[0] + balances[1])
    assert every == [n * stack.price for n in range(1, 51)], "each balance was signed once"
    client = Client(key, stack.contract, rpc_url=stack.rpc_url, state=state)
    (channel,) = client.channels
    assert channel.close_cooperatively().balance == 50 * stack.price


def test_a_process_killed_in_the_middle_never_signs_a_balance_twice(
    stack: Stack, tmp_path: Path
) -> None:
    state, key = tmp_path / "state.db", stack.key()
    arguments = [key, stack.contract, stack.rpc_url, str(state), stack.url("?delayMs=40")]
    served: list[int] = []
    client = Client(key, stack.contract, rpc_url=stack.rpc_url, state=state)
    for pause in (0.03, 0.05, 0.07):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert worker.stdout is not None
        served += [int(worker.stdout.readline() or 0)]
        time.sleep(pause)
        worker.kill()
        rest, _ = worker.communicate()
        served += [int(line) for line in rest.split()]
        with Session(client, patient(on_lost="pay_again")) as session:
            served.append(paid(session.get(stack.url())).balance or 0)
    served = [balance for balance in served if balance]
    assert served == sorted(set(served)), "no balance was served twice"
    (channel,) = client.channels
    settlement = channel.close_cooperatively()
    assert settlement.balance == served[-1]


def test_httpx_pays_the_stack(stack: Stack, client: Client) -> None:
    async def scene() -> list[httpx.Response]:
        async with httpx.AsyncClient(auth=Auth(client, patient()), timeout=40) as http:
            return await asyncio.gather(*(http.get(stack.url(f"?{n}")) for n in range(8)))

    answers = asyncio.run(scene())
    assert [a.status_code for a in answers] == [200] * 8
    assert sorted(paid(a).balance or 0 for a in answers) == [n * stack.price for n in range(1, 9)]


def test_the_command_pays_and_closes(
    stack: Stack,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key_file = tmp_path / "key"
    key_file.touch(mode=0o600)
    key_file.write_text(stack.key())
    monkeypatch.setenv("URAIDEN_KEY_FILE", str(key_file))
    monkeypatch.setenv("URAIDEN_CONTRACT", stack.contract)
    monkeypatch.setenv("URAIDEN_RPC_URL", stack.rpc_url)
    monkeypatch.setenv("URAIDEN_STATE", str(tmp_path / "state.db"))
    for trips in (2, 1):
        assert main(["get", stack.url(), "--max-price", "1000"]) == 0
        said = capsys.readouterr()
        assert json.loads(said.out)["method"] == "GET"
        assert said.err.startswith(f"paid {stack.price} to {stack.receiver}, ")
        assert trips == 2 or "2000 of 10000 used" in said.err
    assert main(["channels", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["balance"], row["deposit"], row["status"]) == ("2000", "10000", "open")
    assert main(["topup", stack.receiver, "--add", "500", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["deposit"] == "10500"
    assert main(["close", stack.receiver, "--json"]) == 0
    closed = json.loads(capsys.readouterr().out)
    assert (closed["balance"], closed["returned"]) == ("2000", "8500")


def test_many_threads_share_a_session(stack: Stack, client: Client) -> None:
    limits = patient(initial_deposit=lambda price: 40 * price)
    balances: list[int] = []
    with Session(client, limits) as session:

        def pay() -> None:
            for _ in range(5):
                balances.append(paid(session.get(stack.url())).balance or 0)

        threads = [threading.Thread(target=pay) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(balances) == [n * stack.price for n in range(1, 41)]


def test_the_guide_is_true(
    stack: Stack,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guide = (REPO / "docs/payers-python.md").read_text()
    program = guide.partition("```python\n# pay.py\n")[2].partition("```")[0]
    shown = guide.partition("$ python pay.py\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("URAIDEN_STATE", str(tmp_path / "state.db"))
    monkeypatch.setenv("URAIDEN_KEY_FILE", "key")
    monkeypatch.setenv("URAIDEN_CONTRACT", stack.contract)
    monkeypatch.setenv("URAIDEN_RPC_URL", stack.rpc_url)
    monkeypatch.setenv("URL", stack.url())
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text(stack.key())
    for _ in range(2):
        assert main(["get", stack.url(), "--max-price", "1000"]) == 0
    capsys.readouterr()
    exec(compile(program, "pay.py", "exec"), {})
    assert capsys.readouterr().out == shown
