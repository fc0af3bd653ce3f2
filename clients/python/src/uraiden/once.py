"""One request, paid, without keeping a session. The channel stays open and is remembered in the
state file."""

from typing import Any

import requests

from uraiden.client import Client
from uraiden.policy import Policy
from uraiden.session import Session


def request(
    method: str, url: str, *, client: Client, policy: Policy, **kwargs: Any
) -> requests.Response:
    """Sends one request, and pays for it if asked to. `kwargs` are those of `requests.request`."""
    with Session(client, policy) as session:
        return session.request(method, url, **kwargs)


def get(url: str, *, client: Client, policy: Policy, **kwargs: Any) -> requests.Response:
    """Gets a resource, paid."""
    return request("GET", url, client=client, policy=policy, **kwargs)


def head(url: str, *, client: Client, policy: Policy, **kwargs: Any) -> requests.Response:
    """Gets a resource's headers, paid."""
    kwargs.setdefault("allow_redirects", False)
    return request("HEAD", url, client=client, policy=policy, **kwargs)


def options(url: str, *, client: Client, policy: Policy, **kwargs: Any) -> requests.Response:
    """Asks what a resource can do, paid."""
    return request("OPTIONS", url, client=client, policy=policy, **kwargs)


def post(url: str, *, client: Client, policy: Policy, **kwargs: Any) -> requests.Response:
    """Posts, paid."""
    return request("POST", url, client=client, policy=policy, **kwargs)


def put(url: str, *, client: Client, policy: Policy, **kwargs: Any) -> requests.Response:
    """Puts, paid."""
    return request("PUT", url, client=client, policy=policy, **kwargs)


def patch(url: str, *, client: Client, policy: Policy, **kwargs: Any) -> requests.Response:
    """Patches, paid."""
    return request("PATCH", url, client=client, policy=policy, **kwargs)


def delete(url: str, *, client: Client, policy: Policy, **kwargs: Any) -> requests.Response:
    """Deletes, paid."""
    return request("DELETE", url, client=client, policy=policy, **kwargs)
