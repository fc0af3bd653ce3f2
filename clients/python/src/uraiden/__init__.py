"""Pays for HTTP requests with µRaiden balance proofs.

`Session` is a `requests.Session` that pays, `uraiden.httpx.Auth` does the same for httpx, `get` and
friends are for a single request. `Client` opens, tops up, closes and settles channels. `Policy` has
the limits, `uraiden.error` what may be refused.

    import uraiden

    client = uraiden.Client("key-file", contract="0x...", rpc_url="http://127.0.0.1:8545")
    with uraiden.Session(client, uraiden.Policy(max_price=1000)) as session:
        print(session.get("http://127.0.0.1:8080/paid").text)
"""

from uraiden.chain import Settlement
from uraiden.channel import Channel
from uraiden.client import Client
from uraiden.error import UraidenError
from uraiden.once import delete, get, head, options, patch, post, put, request
from uraiden.policy import Policy
from uraiden.proof import BalanceProof, ChannelId, ClosingAgreement
from uraiden.purchase import Payment
from uraiden.session import Session, payment_of
from uraiden.signature import Signature
from uraiden.signer import LocalSigner, Signer, load_signer
from uraiden.state import ChannelState, Status
from uraiden.store import Store

__version__ = "0.1.0"

__all__ = [
    "BalanceProof",
    "Channel",
    "ChannelId",
    "ChannelState",
    "Client",
    "ClosingAgreement",
    "LocalSigner",
    "Payment",
    "Policy",
    "Session",
    "Settlement",
    "Signature",
    "Signer",
    "Status",
    "Store",
    "UraidenError",
    "delete",
    "get",
    "head",
    "load_signer",
    "options",
    "patch",
    "payment_of",
    "post",
    "put",
    "request",
]
