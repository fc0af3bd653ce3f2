"""One request, until it is served or refused for good: pure, see `uraiden.action`."""

from dataclasses import dataclass, replace
from typing import Final, cast
from urllib.parse import urljoin

from uraiden import header
from uraiden.action import (
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
    Steps,
    Tell,
    TopUp,
    result,
)
from uraiden.answer import Answer, Charge, Complaint, Terms, is_charge
from uraiden.error import (
    BodyNotRepeatable,
    ChannelInUse,
    ChannelRefused,
    GatewayBusy,
    GatewayUnavailable,
    NotConfirmed,
    OtherContract,
    OtherToken,
    PaymentLost,
    PaymentMalformed,
    RedirectedToPaid,
    TooManyRetries,
    UraidenError,
)
from uraiden.judge import Lost, Next, Repeat, Resume, judge
from uraiden.memory import Memory, Resource
from uraiden.policy import Policy
from uraiden.proof import ChannelId
from uraiden.state import ChannelState, Payee, Status
from uraiden.store import Lease
from uraiden.values import Address, TokenAmount

# A channel pays for one request at a time; those that wait for it look again so often, in seconds.
_LOCK_PAUSE: Final = 0.005

_HOOKS: Final = {
    Complaint.NONEXISTING_CHANNEL: "on_nonexisting_channel",
    Complaint.INSUFFICIENT_CONFIRMATIONS: "on_insufficient_confirmations",
    Complaint.INVALID_BALANCE_PROOF: "on_invalid_balance_proof",
    Complaint.INVALID_AMOUNT: "on_invalid_amount",
    None: "on_payment_requested",
}


@dataclass(frozen=True)
class Request:
    """A request, as far as payment is concerned."""

    method: str
    url: str
    repeatable: bool = True
    """Whether its body can be sent again."""
    may_pay: bool = True
    """False where a redirect led to another host, which nobody has asked us to pay."""


@dataclass(frozen=True)
class Payment:
    """What an answer cost, and how it was paid."""

    amount: TokenAmount
    """What was signed for it; 0 where it was free, or where the server took the payment back."""
    round_trips: int
    """How often the request went out."""
    channel: ChannelId | None = None
    balance: TokenAmount | None = None
    """All that was paid through the channel so far."""
    deposit: TokenAmount | None = None
    """What is locked in the channel."""


class _Stopped(Exception):
    """A hook wants the answer as it is."""


class Purchase:
    """Buys one resource. Whoever drives `run` raises in it what an action led to, and closes it
    at the end."""

    def __init__(self, request: Request, policy: Policy, contract: Address, memory: Memory) -> None:
        self._request = request
        self._policy = policy
        self._contract = contract
        self._memory = memory
        self._resource = Resource.of(request.method, request.url)
        self._lease: Lease | None = None
        self._payee: Payee | None = None
        self._sends = 0
        self._probes = 0
        self._retries = 0
        self._paid_again = False
        self._waited = 0.0

    def run(self) -> Steps[Payment]:
        """The steps; ends when the last answer is the caller's. Raises what `uraiden.error`
        lists."""
        try:
            terms = self._memory.terms(self._resource)
            if terms is None:
                terms = yield from self._ask()
            while terms is not None:
                ground = yield from self._check(terms)
                state = yield from self._channel(terms, ground)
                bought = yield from self._pay(state, terms)
                if isinstance(bought, Payment):
                    return bought
                terms = bought
            return self._payment(0)
        except _Stopped:
            return self._payment(0)
        finally:
            self._release()

    # === The question

    def _ask(self) -> Steps[Terms | None]:
        """Sends the request without a payment, to learn its price; `None` where the answer is
        the caller's."""
        while True:
            answer = yield from self._question()
            yield from self._hook("on_http_response")
            trouble = self._trouble(answer)
            if trouble is None:
                break
            yield from self._try_again(answer, trouble)
        if not is_charge(answer):
            yield from self._hook_again(answer)
            return None
        charge = Charge.read(answer)
        self._memory.learn(self._resource, charge.terms)
        self._need_body(charge.terms)
        yield from self._hook(_HOOKS[charge.complaint])
        return charge.terms

    def _question(self) -> Steps[Answer]:
        if not self._request.repeatable and self._sends == 0:
            # The only body is not spent on a question: HEAD has no effect, and mostly the same
            # price.
            self._probes += 1
            answer = result((yield Probe()), Answer)
            if is_charge(answer):
                return answer
        return (yield from self._send({}))

    def _send(self, headers: dict[str, str]) -> Steps[Answer]:
        self._sends += 1
        return result((yield Send(headers)), Answer)

    def _need_body(self, terms: Terms) -> None:
        if self._sends and not self._request.repeatable:
            raise BodyNotRepeatable(terms.price)

    # === Whether to pay, and from where

    def _check(self, terms: Terms) -> Steps[Ground]:
        """Refuses what we do not pay. Nothing is signed before."""
        try:
            return (yield from self._accept(terms))
        except UraidenError:
            # The next request asks whether the server has changed its mind.
            self._memory.forget(self._resource)
            raise

    def _accept(self, terms: Terms) -> Steps[Ground]:
        if terms.contract != self._contract:
            yield from self._hook("on_invalid_contract_address")
            raise OtherContract(terms.contract, self._contract)
        self._policy.check(terms.price, terms.receiver)
        if not self._request.may_pay:
            raise RedirectedToPaid(self._request.url, terms.price)
        if self._policy.receivers is None:
            self._memory.pin(self._resource.origin, terms.receiver)
        ground = result((yield Describe()), Ground)
        if terms.token not in (None, ground.token):
            raise OtherToken(terms.token, ground.token)
        return ground

    def _channel(self, terms: Terms, ground: Ground) -> Steps[ChannelState]:
        """The channel that pays, ours alone for the time being, with a deposit that covers the
        next balance."""
        payee = Payee(ground.chain, ground.contract, terms.receiver, ground.sender)
        yield from self._lock(payee)
        while True:
            found = yield Load(payee, terms.price)
            if found is None:
                deposit = self._policy.addition(0, terms.price, terms.price, ground.deposit_limit)
                yield from self._afford(payee, terms.price)
                found = yield Open(payee, deposit)
            state = result(found, ChannelState)
            needed = balance_to_send(state, terms.price)
            if needed <= state.deposit:
                return state
            if needed <= ground.deposit_limit:
                limit = ground.deposit_limit
                added = self._policy.addition(state.deposit, needed, terms.price, limit)
                yield from self._afford(payee, terms.price)
                return result((yield TopUp(state, added)), ChannelState)
            yield Keep(replace(state, status=Status.FULL))

    def _lock(self, payee: Payee) -> Steps[None]:
        if self._payee == payee:
            return
        self._release()
        while self._lease is None:
            found = yield Lock(payee)
            if found is None:
                yield from self._pause(
                    _LOCK_PAUSE, ChannelInUse(payee.receiver, self._policy.max_wait)
                )
            else:
                self._lease, self._payee = cast(Lease, found), payee

    def _afford(self, payee: Payee, price: TokenAmount) -> Steps[None]:
        """No deposit is locked up for a payment that would be refused."""
        self._memory.reserve(price, self._policy.max_spend)
        self._memory.give_back(price)
        yield Afford(payee, price, self._policy.max_spend_per_day)

    def _release(self) -> None:
        if self._lease is not None:
            self._lease.release()
        self._lease = self._payee = None

    # === The payment

    def _pay(self, state: ChannelState, terms: Terms) -> Steps[Payment | Terms]:
        """Sends the payment until it is served, or until another one has to be made: then by
        these terms."""
        sent = balance_to_send(state, terms.price)
        # It has been sent before, so that the server may be about to take it back.
        uncertain = state.pending is not None
        while True:
            self._need_body(terms)
            signed = yield from self._sign(state, sent)
            state = signed.state
            answer = yield from self._send(signed.proof.headers())
            trouble = self._trouble(answer)
            if trouble is None and not is_charge(answer):
                return (yield from self._served(answer, state, sent, terms))
            yield from self._hook("on_http_response")
            if trouble is not None:
                uncertain = True
                yield from self._try_again(answer, trouble)
                continue
            charge = Charge.read(answer)
            self._memory.learn(self._resource, charge.terms)
            yield from self._hook(_HOOKS[charge.complaint])
            next_ = yield from self._judge(state, sent, charge)
            if isinstance(next_, Repeat):
                why = NotConfirmed(next_.missing, self._policy.max_wait)
                yield from self._pause(self._policy.retry_interval, why)
            elif isinstance(next_, Lost) and uncertain and self._may_ask_again(next_, sent):
                yield from self._pause(self._policy.retry_interval, self._lost(next_, state))
            else:
                if next_ is not None:
                    yield from self._go_on(next_, state, uncertain)
                return charge.terms

    def _sign(self, state: ChannelState, balance: TokenAmount) -> Steps[Signed]:
        growth = max(0, balance - state.signed)
        self._memory.reserve(growth, self._policy.max_spend)
        try:
            return result((yield Sign(state, balance, self._policy.max_spend_per_day)), Signed)
        except UraidenError:
            self._memory.give_back(growth)
            raise

    def _served(
        self, answer: Answer, state: ChannelState, sent: TokenAmount, terms: Terms
    ) -> Steps[Payment | Terms]:
        """Notes what is certain after an answer that is the caller's."""
        before = state.balance or 0
        taken_back = answer.status >= 500 and answer.balance == before
        if taken_back:
            yield Keep(self._adopted(state, before, terms))
        elif answer.status < 500 and answer.problem is None and state.pending is not None:
            yield Keep(self._adopted(state, sent, terms))
        # Otherwise it was a mere question, or it may be taken back yet, or be a credit that the
        # same proof uses up: it stays pending.
        if header.CONTRACT_ADDRESS not in answer.headers:
            # It may have become free.
            self._memory.forget(self._resource)
        payment = self._payment(
            0 if taken_back else sent - before,
            channel=state.id,
            balance=before if taken_back else sent,
            deposit=state.deposit,
        )
        yield Tell("on_http_response")
        if (yield from self._hook_again(answer)):
            self._retry()
            return terms
        return payment

    def _judge(self, state: ChannelState, sent: TokenAmount, charge: Charge) -> Steps[Next | None]:
        """What to do next; `None` where other terms or another channel are to be tried."""
        parties = (charge.terms.contract, charge.terms.receiver)
        if parties != (state.id.contract, state.id.receiver):
            self._retry()
            return None
        try:
            return judge(state, sent, charge)
        except ChannelRefused:
            if result((yield Refresh(state)), ChannelState).status is Status.OPEN:
                raise
            # The chain agrees that it has ended.
            self._retry()
            return None

    def _go_on(self, next_: Resume | Lost, state: ChannelState, uncertain: bool) -> Steps[None]:
        """Adopts the server's balance, and sees to it that this ends some time."""
        # Gaps in our own knowledge are no fault of the server's, and what is lost counts apart.
        if isinstance(next_, Resume) and not (uncertain or state.balance is None):
            self._retry()
        # The server has shown our signature, so that was signed, whether we remember it or not.
        signed = max(state.signed, next_.balance)
        yield Keep(replace(state, balance=next_.balance, pending=None, signed=signed))
        if isinstance(next_, Lost):
            if self._policy.on_lost == "raise" or self._paid_again:
                raise self._lost(next_, state)
            self._paid_again = True

    def _adopted(self, state: ChannelState, balance: TokenAmount, terms: Terms) -> ChannelState:
        origin = self._resource.origin
        gateway = urljoin(origin, terms.gateway_path).rstrip("/")
        if not gateway.startswith(f"{origin}/"):
            gateway = f"{origin}/api/1"
        return replace(state, balance=balance, pending=None, gateway=gateway)

    # === Patience

    def _trouble(self, answer: Answer) -> UraidenError | None:
        """Why the paywall could not judge; the request did not reach the service."""
        problem = answer.problem
        if problem is None or problem.code == "credited":
            return None
        if answer.status == 409:
            return PaymentMalformed(problem.detail)
        if answer.status == 503:
            return GatewayBusy(problem.detail, answer.retry_after)
        return GatewayUnavailable(problem.detail) if answer.status == 502 else None

    def _try_again(self, answer: Answer, trouble: UraidenError) -> Steps[None]:
        """Waits as long as the paywall asks for. Raises the trouble when it has been enough."""
        spent = self._sends > 0 and not self._request.repeatable
        if isinstance(trouble, PaymentMalformed) or spent or not self._may_retry():
            raise trouble
        busy = isinstance(trouble, GatewayBusy)
        yield from self._pause(answer.retry_after if busy else self._policy.retry_interval, trouble)

    def _may_ask_again(self, lost: Lost, sent: TokenAmount) -> bool:
        """Whether the payment may be on its way back to us, and there is time to see."""
        in_time = self._waited + self._policy.retry_interval <= self._policy.max_wait
        return lost.balance == sent and in_time and self._may_retry()

    def _may_retry(self) -> bool:
        self._retries += 1
        return self._retries <= self._policy.max_retries

    def _retry(self) -> None:
        if not self._may_retry():
            raise TooManyRetries(self._policy.max_retries)

    def _pause(self, seconds: float, otherwise: UraidenError) -> Steps[None]:
        if self._waited + seconds > self._policy.max_wait:
            raise otherwise
        self._waited += seconds
        yield Pause(seconds)

    # === Hooks

    def _hook(self, name: str) -> Steps[None]:
        if not (yield Tell(name)):
            raise _Stopped

    def _hook_again(self, answer: Answer) -> Steps[bool]:
        again = yield Tell("on_success" if answer.status < 400 else "on_http_error")
        return again is True

    def _payment(
        self,
        amount: TokenAmount,
        channel: ChannelId | None = None,
        balance: TokenAmount | None = None,
        deposit: TokenAmount | None = None,
    ) -> Payment:
        return Payment(amount, self._sends + self._probes, channel, balance, deposit)

    @staticmethod
    def _lost(lost: Lost, state: ChannelState) -> PaymentLost:
        return PaymentLost(lost.amount, state.id)


def balance_to_send(state: ChannelState, price: TokenAmount) -> TokenAmount:
    """The pending balance first, then one price above the last.

    A channel whose balance is not known is asked with a proof of 0, which is worth nothing.
    """
    if state.pending is not None:
        return state.pending
    return 0 if state.balance is None else state.balance + price
