"""The payer of docker-compose.yml: refused, pays ten requests, cannot cheat, closes the channel.

Usage: python story.py URL, the URL of Envoy. URAIDEN_KEY_FILE, URAIDEN_CONTRACT and URAIDEN_RPC_URL
say who pays, and where the money is. Exits with 0 only if every step went as expected.
"""

import os
import sys
from pathlib import Path

import requests
import uraiden

PRICE = 1000
PAYMENTS = 10


def tell(line: str) -> None:
    """Shows a step at once, however stdout is buffered."""
    print(line, flush=True)


def expect(what: str, found: object, expected: object) -> None:
    """Ends the story where a step did not go as it should."""
    if found != expected:
        sys.exit(f"{what}: expected {expected!r}, found {found!r}")


def refused(url: str) -> None:
    """What a request without a payment meets."""
    free = requests.get(f"{url}/free", timeout=10)
    expect("the free path", free.status_code, 200)
    tell("GET /free          200")
    paid = requests.get(f"{url}/premium/1", timeout=10)
    expect("the paid path", paid.status_code, 402)
    expect("its price", paid.headers["RDN-Price"], str(PRICE))
    tell(f"GET /premium/1     402, price {PRICE}")


def pay(url: str, client: uraiden.Client) -> None:
    """Ten paid requests, a cheat, and the end of the channel."""
    policy = uraiden.Policy(max_price=PRICE, max_spend=PRICE * PAYMENTS)
    with uraiden.Session(client, policy, close_channel_on_exit=False) as session:
        for number in range(1, PAYMENTS + 1):
            answer = session.get(f"{url}/premium/{number}")
            payment = uraiden.payment_of(answer)
            expect("the paid path", (answer.status_code, payment and payment.amount), (200, PRICE))
            tell(f"GET /premium/{number:<6}200, balance {payment.balance if payment else None}")
        replay = requests.get(f"{url}/premium/cheat", headers=answer.request.headers, timeout=10)
        expect("a replayed proof", replay.status_code, 402)
        tell("the last proof again: 402")
        settlement = session.close_channel()
    expect("what was settled", settlement and settlement.balance, PRICE * PAYMENTS)
    tell(f"closed: {PRICE * PAYMENTS} base units went to the receiver")


def main() -> None:
    """Tells the story."""
    url = sys.argv[1]
    refused(url)
    client = uraiden.Client(
        os.environ["URAIDEN_KEY_FILE"],
        os.environ["URAIDEN_CONTRACT"],
        rpc_url=os.environ["URAIDEN_RPC_URL"],
        state=Path(os.environ["URAIDEN_KEY_FILE"]).with_name("channels.sqlite"),
    )
    pay(url, client)


if __name__ == "__main__":
    main()
