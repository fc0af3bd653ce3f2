"""The limits themselves."""

from typing import Any

import pytest

from uraiden import Policy
from uraiden.error import DepositAboveLimit

CONTRACT_LIMIT = 10**20


@pytest.mark.parametrize(
    ("deposit", "balance", "rule", "max_deposit", "added"),
    [
        (0, 7, 70, 100, 70),
        (70, 77, 70, 100, 30),  # up to the limit
        (98, 105, 70, 100, None),  # the limit does not cover it
        (0, 7, 0, 100, 7),  # at least what is needed
        (70, 77, 5, 100, 7),
        (0, 7, 10**30, 100, 100),
        (200, 207, 70, 100, None),
        (0, 7, 10**30, None, CONTRACT_LIMIT),
        (0, 7, 10**30, 10**40, CONTRACT_LIMIT),
    ],
)
def test_a_deposit_covers_the_payment_and_passes_no_limit(
    deposit: int, balance: int, rule: int, max_deposit: int | None, added: int | None
) -> None:
    policy = Policy(
        max_price=10,
        max_deposit=max_deposit,
        initial_deposit=lambda _: rule,
        topup_deposit=lambda _: rule,
    )
    if added is None:
        with pytest.raises(DepositAboveLimit, match="raise max_deposit"):
            policy.addition(deposit, balance, 7, CONTRACT_LIMIT)
    else:
        assert policy.addition(deposit, balance, 7, CONTRACT_LIMIT) == added


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_price", 0),
        ("max_price", 1.5),
        ("max_spend", -1),
        ("max_spend_per_day", "ten"),
        ("max_deposit", 2**192),
        ("receivers", ["0x12"]),
        ("max_wait", -1),
        ("max_wait", float("nan")),
        ("max_retries", -1),
        ("retry_interval", 1e10),
        ("retry_interval", 0),
        ("on_lost", "shrug"),
    ],
)
def test_a_limit_that_makes_no_sense_is_named(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        Policy(**{"max_price": 10, field: value})


def test_a_rule_that_answers_nonsense_is_refused() -> None:
    policy = Policy(max_price=10, initial_deposit=lambda _: -5)
    with pytest.raises(ValueError, match="-5 is not an amount"):
        policy.addition(0, 7, 7, CONTRACT_LIMIT)
