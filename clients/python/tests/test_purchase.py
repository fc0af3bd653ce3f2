"""The purchase alone, without I/O: whatever a server answers, the rules of money hold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from uraiden import header
from uraiden.action import (
    Action,
    Afford,
    Describe,
    Ground,
    Keep,
    Load,
    Lock,
    Open,
    Pause,
    Probe,
    Refresh,
    Send,
    Sign,
    Signed,
    Tell,
    TopUp,
)
from uraiden.answer import Answer, Held, Problem
from uraiden.error import ChannelInUse, FalseBalance, PaymentLost, UraidenError
from uraiden.memory import Memory
from uraiden.policy import Policy
from uraiden.proof import BalanceProof, ChannelId
from uraiden.purchase import Payment, Purchase, Request
from uraiden.signature import Signature
from uraiden.state import ChannelState, Status
from uraiden.values import address

CONTRACT, TOKEN = address("0x" + "c0" * 20), address("0x" + "70" * 20)
RECEIVER, SENDER = address("0x" + "5e" * 20), address("0x" + "5d" * 20)
GROUND = Ground("1:00", CONTRACT, TOKEN, SENDER, 400)
URL = "http://shop.example/a"

TERMS = {
    header.PRICE: "10",
    header.CONTRACT_ADDRESS: CONTRACT,
    header.RECEIVER_ADDRESS: RECEIVER,
    header.TOKEN_ADDRESS: TOKEN,
}


class Lease:
    """Counts who has it."""

    held = 0

    def __init__(self) -> None:
        Lease.held += 1

    def release(self) -> None:
        """Gives it back."""
        Lease.held -= 1


def fake_signature(balance: int) -> Signature:
    """Names its balance, so that a server can show it and nobody has to compute."""
    return Signature(balance.to_bytes(64, "big") + b"\x1b")


@dataclass
class Wallet:
    """Does what a client does, in memory, and watches over the rules."""

    policy: Policy
    states: list[ChannelState] = field(default_factory=list)
    signed: set[int] = field(default_factory=set)
    blocks: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))
    waited: float = 0.0

    def do(self, action: Action) -> object:
        """What `uraiden.action` says."""
        match action:
            case Lock():
                return Lease()
            case Describe():
                return GROUND
            case Load():
                return next((s for s in self.states if s.status is Status.OPEN), None)
            case Open(payee, deposit):
                assert 0 < deposit <= GROUND.deposit_limit
                id_ = ChannelId(payee.chain, CONTRACT, payee.receiver, SENDER, next(self.blocks))
                self.signed.clear()
                return self._save(ChannelState(id_, deposit))
            case TopUp(state, added):
                assert added > 0
                assert state.deposit + added <= GROUND.deposit_limit
                return self._save(replace(state, deposit=state.deposit + added))
            case Refresh(state) | Keep(state):
                return self._save(state)
            case Afford():
                return None
            case Sign(state, balance, _):
                return self._sign(state, balance)
            case Pause(seconds):
                self.waited += seconds
                return None
            case Tell(hook):
                return hook not in ("on_success", "on_http_error")
            case _:
                raise AssertionError(action)

    def _sign(self, state: ChannelState, balance: int) -> Signed:
        (saved,) = [s for s in self.states if s.id == state.id]
        assert state == saved, "what is not saved is not built upon"
        assert balance <= state.deposit, "never above the deposit"
        assert state.id.receiver == RECEIVER
        assert state.id.contract == CONTRACT
        if saved.pending is not None:
            assert balance == saved.pending, "no further payment before the fate of the last"
        else:
            assert balance - (saved.balance or 0) <= self.policy.max_price
        pending = balance if balance > (state.balance or 0) else state.pending
        new = replace(state, pending=pending, signed=max(state.signed, balance))
        self.signed.add(balance)
        self._save(new)
        return Signed(new, BalanceProof(state.id, balance, fake_signature(balance)))

    def _save(self, state: ChannelState) -> ChannelState:
        self.states = [state, *(s for s in self.states if s.id != state.id)]
        return state

    @property
    def exposure(self) -> int:
        """What servers could claim."""
        return sum(state.signed for state in self.states)


Server = Callable[[dict[str, str]], Answer]


def buy(
    wallet: Wallet, server: Server, memory: Memory | None = None, request: Request | None = None
) -> Payment:
    """Drives one purchase to its end."""
    asked = request or Request("GET", URL)
    purchase = Purchase(asked, wallet.policy, CONTRACT, memory or Memory())
    steps = purchase.run()
    try:
        action = next(steps)
        while True:
            try:
                if isinstance(action, Send):
                    result: object = server(dict(action.headers))
                elif isinstance(action, Probe):
                    result = server({"HEAD": ""})
                else:
                    result = wallet.do(action)
            except UraidenError as error:
                action = steps.throw(error)
            else:
                action = steps.send(result)
    except StopIteration as end:
        payment: Payment = end.value
        return payment
    finally:
        steps.close()
        assert Lease.held == 0, "the channel is free again, whatever happened"


@pytest.fixture(autouse=True)
def quick_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fakes are as good as signatures here, and a thousand times as fast."""

    def genuine(channel: ChannelId, held: Held) -> int:
        if held.balance and held.signature != fake_signature(held.balance):
            raise FalseBalance(held.balance, channel)
        return held.balance

    monkeypatch.setattr("uraiden.judge.genuine", genuine)


# === By example


def honest(held: list[int]) -> Server:
    """By the rules, with the last balance in `held`."""

    def answer(headers: dict[str, str]) -> Answer:
        if header.BALANCE not in headers:
            return Answer(402, TERMS)
        balance = int(headers[header.BALANCE])
        state = {
            header.SENDER_BALANCE: str(held[-1]),
            header.BALANCE_SIGNATURE: str(fake_signature(held[-1])),
        }
        if balance == held[-1]:
            return Answer(402, {**TERMS, **state})
        if balance != held[-1] + 10:
            return Answer(402, {**TERMS, **state, header.INVALID_AMOUNT: "1"})
        held.append(balance)
        return Answer(200, {**TERMS, header.SENDER_BALANCE: str(balance)})

    return answer


def test_a_full_channel_is_followed_by_another() -> None:
    wallet = Wallet(Policy(max_price=10, topup_deposit=lambda _: 1000))
    memory, held = Memory(), [0]
    for _ in range(40):
        buy(wallet, honest(held), memory)
    assert [(s.deposit, s.balance) for s in wallet.states] == [(400, 400)]
    held[:] = [0]
    buy(wallet, honest(held), memory)
    assert [(s.deposit, s.balance, s.status) for s in wallet.states] == [
        (100, 10, Status.OPEN),
        (400, 400, Status.FULL),
    ]


def test_a_busy_channel_is_waited_for_and_then_given_up() -> None:
    class Busy(Wallet):
        def do(self, action: Action) -> object:
            return None if isinstance(action, Lock) else super().do(action)

    wallet = Busy(Policy(max_price=10, max_wait=1.0))
    with pytest.raises(ChannelInUse, match="for 1 s"):
        buy(wallet, honest([0]))
    assert 0.9 < wallet.waited <= 1.0


def test_waiting_is_counted_in_seconds_not_in_tries() -> None:
    wallet = Wallet(Policy(max_price=10, max_wait=60.0, retry_interval=5.0, max_retries=0))
    answers = iter([Answer(402, {**TERMS, header.INSUFFICIENT_CONFIRMATIONS: "1"})] * 12)
    serve = honest([0])

    def young(headers: dict[str, str]) -> Answer:
        if header.BALANCE not in headers:
            return serve(headers)
        return next(answers, None) or serve(headers)

    assert buy(wallet, young).round_trips == 14
    assert wallet.waited == 60.0


def test_a_credit_is_used_by_the_same_proof() -> None:
    wallet, memory, held = Wallet(Policy(max_price=10)), Memory(), [0]
    buy(wallet, honest(held), memory)
    credited = Answer(502, TERMS, Problem("credited", "Paid, and not served."))
    payment = buy(wallet, lambda _: credited, memory)
    assert (payment.amount, payment.round_trips) == (10, 1), "the answer is the caller's"
    served: list[str] = []

    def from_credit(headers: dict[str, str]) -> Answer:
        served.append(headers[header.BALANCE])
        return Answer(200, {**TERMS, header.SENDER_BALANCE: "20"})

    buy(wallet, from_credit, memory)
    assert served == ["20"]
    assert (wallet.states[0].balance, wallet.exposure) == (20, 20)


def test_a_question_that_is_served_teaches_nothing() -> None:
    """The state is lost, and what had a price has become free: the proof of 0 pays nobody."""
    id_ = ChannelId(GROUND.chain, CONTRACT, RECEIVER, SENDER, 7)
    found = ChannelState(id_, deposit=100, balance=None)
    wallet = Wallet(Policy(max_price=10), states=[found])
    answers = iter([Answer(402, TERMS), Answer(200, {})])
    payment = buy(wallet, lambda _: next(answers))
    assert (payment.amount, payment.round_trips) == (0, 2)
    assert wallet.states == [found]


def test_what_is_lost_is_told_without_any_retries_too() -> None:
    wallet, held = Wallet(Policy(max_price=10, max_retries=0)), [0]
    serve = honest(held)

    def take(headers: dict[str, str]) -> Answer:
        serve(headers)
        return serve(headers)

    with pytest.raises(PaymentLost):
        buy(wallet, take)
    assert (wallet.states[0].balance, wallet.states[0].pending) == (10, None)


# === By property: a server that answers anything


def complaints() -> st.SearchStrategy[dict[str, str]]:
    """Any of the error headers, or none."""
    names = [
        header.NONEXISTING_CHANNEL,
        header.INSUFFICIENT_CONFIRMATIONS,
        header.INVALID_BALANCE_PROOF,
        header.INVALID_AMOUNT,
    ]
    return st.lists(st.sampled_from(names), max_size=2).map(lambda found: dict.fromkeys(found, "1"))


@dataclass(frozen=True)
class Move:
    """One answer of a server that has seen some of our signatures."""

    status: int
    price: int
    complaint: dict[str, str]
    shows: int | None
    """Which of the balances that we signed it shows, counted from the last; `None` for none."""
    false: bool
    """Whether the balance that it shows is not the one that was signed."""
    problem: str | None


MOVES = st.builds(
    Move,
    status=st.sampled_from([402, 402, 402, 402, 200, 500, 502, 503, 409, 302, 404]),
    price=st.sampled_from([10, 10, 10, 7, 25, 30, 31]),
    complaint=complaints(),
    shows=st.one_of(st.none(), st.integers(0, 4)),
    false=st.sampled_from([False] * 9 + [True]),
    problem=st.sampled_from([None, None, None, "busy", "unknown-outcome", "credited", "not-ready"]),
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    moves=st.lists(MOVES, min_size=1, max_size=60),
    max_spend=st.integers(30, 200),
    on_lost=st.sampled_from(["raise", "pay_again"]),
    repeatable=st.booleans(),
)
def test_whatever_a_server_answers_the_rules_of_money_hold(
    moves: list[Move], max_spend: int, on_lost: str, repeatable: bool
) -> None:
    policy = Policy(
        max_price=30,
        max_spend=max_spend,
        max_wait=20.0,
        on_lost=on_lost,  # type: ignore[arg-type]
    )
    wallet, memory = Wallet(policy), Memory()
    script = iter(moves)
    spent_before = 0
    charges = 0

    def server(headers: dict[str, str]) -> Answer:
        move = next(script, Move(200, 10, {}, None, False, None))
        shown: dict[str, str] = {}
        signed = sorted(wallet.signed, reverse=True)
        if move.shows is not None and header.BALANCE in headers and move.shows < len(signed):
            balance = signed[move.shows]
            shown = {
                header.SENDER_BALANCE: str(balance + move.false),
                header.BALANCE_SIGNATURE: str(fake_signature(balance)),
            }
        terms = {**TERMS, header.PRICE: str(move.price), **shown}
        if move.status == 402:
            return Answer(402, {**terms, **move.complaint})
        problem = None if move.problem is None else Problem(move.problem, "said so")
        return Answer(move.status, terms, problem)

    for _ in range(12):
        try:
            payment = buy(wallet, server, memory, Request("POST", URL, repeatable))
            charges += 1
        except UraidenError:
            payment = None
        assert wallet.exposure == memory.spent <= max_spend, "never above the limits"
        grown = memory.spent - spent_before
        prices = 1 if payment is not None and on_lost == "raise" else 4
        assert grown <= prices * policy.max_price * (1 + policy.max_retries)
        spent_before = memory.spent
