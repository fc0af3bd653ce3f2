"""A small real server that sells, as honestly or not as a test wants it."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from eth_account import Account
from eth_account.signers.local import LocalAccount

from tests.ground import Ground
from uraiden import digest
from uraiden.proof import BalanceProof, ChannelId
from uraiden.signature import Signature
from uraiden.signer import LocalSigner
from uraiden.values import Address, address


@dataclass
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def pays(self) -> bool:
        """Whether it has a balance proof."""
        return "rdn-balance-signature" in self.headers

    @property
    def balance(self) -> int:
        """The balance that is offered."""
        return int(self.headers["rdn-balance"])


@dataclass
class Reply:
    """An answer that goes out."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Answering = Callable[["Seller", Asked], "Reply | None"]


class Seller:
    """Sells every path but `/free` at `price`, by the rules of the protocol.

    `answering` may answer in its place; where it answers `None` the rules hold.
    """

    def __init__(self, ground: Ground, price: int = 10) -> None:
        self.ground = ground
        self.price = price
        self.account: LocalAccount = Account.create()
        self.held: dict[tuple[str, int], tuple[int, Signature]] = {}
        self.closed: set[tuple[str, int]] = set()
        self.asked: list[Asked] = []
        self.served: list[Asked] = []
        self.answering: Answering | None = None
        self._mutex = threading.Lock()
        handler = type("Handler", (_Handler,), {"seller": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ends the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The root of the server."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def receiver(self) -> Address:
        """Who is paid."""
        return address(self.account.address)

    def terms(self, **more: str) -> dict[str, str]:
        """The headers of a 402. An underscore stands for a dash."""
        return {
            "RDN-Gateway-Path": "/api/1",
            "RDN-Receiver-Address": self.receiver,
            "RDN-Contract-Address": self.ground.contract,
            "RDN-Token-Address": self.ground.token,
            "RDN-Price": str(self.price),
            **{name.replace("_", "-"): value for name, value in more.items()},
        }

    def charge(self, **more: str) -> Reply:
        """A 402."""
        return Reply(402, self.terms(**more))

    def state(self, balance: int, signature: Signature | str) -> dict[str, str]:
        """What a 402 says of a channel."""
        return {"RDN_Sender_Balance": str(balance), "RDN_Balance_Signature": str(signature)}

    def answer(self, asked: Asked) -> Reply:
        """One answer at a time."""
        with self._mutex:
            self.asked.append(asked)
            own = None if self.answering is None else self.answering(self, asked)
            return own or self.honest(asked)

    def honest(self, asked: Asked) -> Reply:
        """By the rules."""
        if asked.path.startswith("/api/1/"):
            return self._api(asked)
        if asked.path.startswith("/free"):
            self.served.append(asked)
            return Reply(200, {}, b"free")
        if not asked.pays:
            return self.charge()
        proof, key = self.proof(asked)
        if key in self.closed:
            return self.charge(RDN_Nonexisting_Channel="1")
        if not proof.is_by_sender():
            return self.charge(RDN_Invalid_Balance_Proof="1")
        held, signature = self.held.get(key, (0, None))
        state = {"RDN_Sender_Balance": str(held)}
        if signature is not None:
            state["RDN_Balance_Signature"] = str(signature)
        if proof.balance == held:
            return self.charge(**state)
        if proof.balance - held != self.price:
            return self.charge(RDN_Invalid_Amount="1", **state)
        self.held[key] = (proof.balance, proof.signature)
        self.served.append(asked)
        shown = {"RDN_Sender_Balance": str(proof.balance), "RDN_Cost": str(self.price)}
        return Reply(200, self.terms(**shown), b"sold")

    def proof(self, asked: Asked) -> tuple[BalanceProof, tuple[str, int]]:
        """The proof in a request, and the channel's name."""
        sender = address(asked.headers["rdn-sender-address"])
        block = int(asked.headers["rdn-open-block"])
        id_ = ChannelId("", self.ground.contract, self.receiver, sender, block)
        signature = Signature.parse(asked.headers["rdn-balance-signature"])
        return BalanceProof(id_, asked.balance, signature), (sender, block)

    def _api(self, asked: Asked) -> Reply:
        *_, sender, block = asked.path.split("/")
        key = (address(sender), int(block))
        held, signature = self.held.get(key, (0, None))
        if asked.method == "GET":
            shown = None if signature is None else str(signature)
            return _json(200, {"balance": held, "last_signature": shown})
        wanted = int(parse_qs(asked.body.decode())["balance"][0])
        if wanted != held:
            return _json(400, {"detail": f"the balance is not {wanted}"})
        self.closed.add(key)
        signed = digest.closing_agreement(key[0], key[1], held, self.ground.contract)
        agreed = LocalSigner(self.account).sign_digest(signed)
        return _json(200, {"close_signature": str(agreed)})


def problem(status: int, code: str, **headers: str) -> Reply:
    """A problem document of a gateway."""
    document = {"type": f"urn:uraiden:problem:{code}", "detail": f"It is {code}.", "status": status}
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(
        status, {"Content-Type": "application/problem+json", **more}, json.dumps(document).encode()
    )


def _json(status: int, document: dict[str, Any]) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(document).encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave together: apart they would wait for each other's acknowledgement.
    wbufsize = 65536
    seller: Seller

    def _answer(self) -> None:
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.seller.answer(Asked(self.command, self.path, headers, body))
        if reply.status == 0:
            # The test wants the line to break.
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        # The caller may have left.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: what was asked is in `Seller.asked`."""
