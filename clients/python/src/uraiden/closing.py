"""Asking a server to agree to the end of a channel: pure, see `uraiden.action`."""

from dataclasses import replace
from typing import Any

from uraiden import header, values
from uraiden.action import ApiAnswer, Call, Keep, Sign, Signed, Steps, result
from uraiden.answer import Held, read_object
from uraiden.error import CloseRefused, FalseAgreement
from uraiden.judge import genuine
from uraiden.proof import BalanceProof, ClosingAgreement
from uraiden.signature import Signature
from uraiden.state import ChannelState, Status


def agree(state: ChannelState, gateway: str) -> Steps[tuple[BalanceProof, ClosingAgreement]]:
    """Gets the receiver's closing agreement for the last balance, and our proof of it.

    `gateway` is the root of the server's channel API. The channel pays no more from here on,
    whatever becomes of it. Raises `CloseRefused` and `FalseAgreement`, which leave the way without
    the receiver.
    """
    state = replace(state, status=Status.CLOSING)
    yield Keep(state)
    url = f"{gateway}/channels/{state.id.sender}/{state.id.open_block}"
    if state.pending is not None or state.balance is None:
        state = yield from _learn(state, url)
    if not state.balance:
        raise CloseRefused(None, "nothing was paid, so there is no proof to close with")
    proof = result((yield Sign(state, state.balance, None)), Signed).proof
    shown = {header.BALANCE_SIGNATURE: str(proof.signature)}
    found = yield Call("DELETE", url, shown, {"balance": str(proof.balance)})
    status, answer = _read(result(found, ApiAnswer))
    try:
        signature = Signature.parse(answer.get("close_signature"))
    except ValueError as error:
        raise CloseRefused(status, f"close_signature: {error}") from None
    agreement = ClosingAgreement(state.id, proof.balance, signature)
    if not agreement.is_by_receiver():
        raise FalseAgreement(state.id.receiver)
    return proof, agreement


def _learn(state: ChannelState, url: str) -> Steps[ChannelState]:
    """Asks which balance the server holds, and believes it with our own signature only."""
    shown = state.pending or state.balance or 0
    signed = result((yield Sign(state, shown, None)), Signed)
    found = yield Call("GET", url, signed.proof.headers(), {})
    status, answer = _read(result(found, ApiAnswer))
    try:
        text = answer.get("last_signature")
        signature = None if text is None else Signature.parse(text)
        balance = values.amount(answer.get("balance"))
    except ValueError as error:
        raise CloseRefused(status, str(error)) from None
    held = genuine(state.id, Held(balance, signature))
    highest = max(signed.state.signed, held)
    state = replace(signed.state, balance=held, pending=None, signed=highest)
    yield Keep(state)
    return state


def _read(answer: ApiAnswer) -> tuple[int, dict[str, Any]]:
    if answer.status is None:
        raise CloseRefused(None, answer.body.decode(errors="replace"))
    document = read_object(answer.body)
    if answer.status != 200 or document is None:
        detail = None if document is None else document.get("detail")
        words = detail if isinstance(detail, str) else answer.body.decode(errors="replace")
        raise CloseRefused(answer.status, words[:200] or "no reason")
    return answer.status, document
