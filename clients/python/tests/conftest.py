"""What tests stand on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ground import Ground
from tests.seller import Seller
from uraiden import Client, Policy, Session

NewSession = Callable[..., Session]


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    """A node with the contract."""
    found = Ground.start()
    yield found
    found.stop()


@pytest.fixture
def seller(ground: Ground) -> Iterator[Seller]:
    """A server that sells at 10."""
    found = Seller(ground)
    yield found
    found.stop()


@pytest.fixture
def client(ground: Ground, tmp_path: Path) -> Client:
    """A client with an account and a state file of its own."""
    return ground.client(ground.account(), tmp_path / "state.db")


@pytest.fixture
def policy() -> Policy:
    """Patient with nothing."""
    return hurried()


@pytest.fixture
def session(client: Client, policy: Policy) -> Iterator[Session]:
    """A session with that client."""
    with Session(client, policy) as found:
        yield found


def hurried(**more: Any) -> Policy:
    """A policy that does not wait long."""
    return Policy(**{"max_price": 1000, "max_wait": 2.0, "retry_interval": 0.01, **more})
