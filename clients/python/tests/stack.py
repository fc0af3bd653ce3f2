"""The real stack: chain, contract, sidecar, Envoy with the filter, and a service behind it."""

import json
import os
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from web3 import HTTPProvider, Web3

from tests.ground import REPO, artifact
from uraiden import Client


@dataclass
class Stack:
    """A running stack, described by its JSON line."""

    process: "subprocess.Popen[str]"
    envoy_url: str
    paid_path: str
    free_path: str
    rpc_url: str
    contract: str
    token: str
    receiver: str
    price: int
    bank: str
    """The key of an account with plenty of tokens."""
    web3: Web3 = field(repr=False)
    keys: list[str] = field(default_factory=list)

    @classmethod
    def start(cls) -> "Stack":
        """Starts it, and waits for its JSON line."""
        command = os.environ.get("URAIDEN_STACK_COMMAND", "cargo xtask stack")
        process = subprocess.Popen(
            [*shlex.split(command), "--block-time", "1"],
            cwd=REPO,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            with process:
                pytest.exit(f"{command} has not printed its JSON line", returncode=1)
        said = json.loads(line)
        return cls(
            process=process,
            envoy_url=said["envoyUrl"],
            paid_path=said["paidPath"],
            free_path=said["freePath"],
            rpc_url=said["rpcUrl"],
            contract=said["contract"],
            token=said["token"],
            receiver=said["receiver"],
            price=int(said["price"]),
            bank=said["funded"][0]["key"],
            web3=Web3(HTTPProvider(said["rpcUrl"])),
        )

    def stop(self) -> None:
        """Ends it, as the end of its stdin asks for."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        assert self.process.stdout is not None
        self.process.stdout.close()

    def url(self, more: str = "") -> str:
        """What costs `price`."""
        return f"{self.envoy_url}{self.paid_path}{more}"

    def client(self, state: Path, **more: Any) -> Client:
        """A client with an account that no other test has."""
        options = {"rpc_url": self.rpc_url, "poll": 0.1, "max_wait": 30.0, **more}
        return Client(self.key(), self.contract, state=state, **options)

    def key(self) -> str:
        """The key of an account that no other test has, with ether and tokens."""
        if not self.keys:
            self.keys = [self._fund(nonce) for nonce in range(20)]
            self.mine(1)
        return self.keys.pop()

    def _fund(self, number: int) -> str:
        bank = Account.from_key(self.bank)
        account = Account.create()
        self.rpc("anvil_setBalance", account.address, hex(10**20))
        at = Web3.to_checksum_address(self.token)
        token = self.web3.eth.contract(at, abi=artifact("TestToken")["abi"])
        transfer = token.get_function_by_signature("transfer(address,uint256)")
        nonce = self.web3.eth.get_transaction_count(bank.address) + number
        transaction = transfer(account.address, 10**6).build_transaction(
            {"from": bank.address, "nonce": nonce}
        )
        self.web3.eth.send_raw_transaction(bank.sign_transaction(transaction).raw_transaction)
        return "0x" + bytes(account.key).hex()

    def tokens(self, account: str) -> int:
        """What an account holds."""
        at = Web3.to_checksum_address(self.token)
        token = self.web3.eth.contract(at, abi=artifact("TestToken")["abi"])
        return int(token.functions.balanceOf(account).call())

    def mine(self, blocks: int) -> None:
        """Mines empty blocks."""
        self.rpc("anvil_mine", hex(blocks))

    def rpc(self, method: str, *params: Any) -> None:
        """Tells the node something that web3.py has no name for."""
        answer = self.web3.provider.make_request(method, list(params))  # type: ignore[arg-type]
        assert "error" not in answer, answer

    @contextmanager
    def frozen_sidecar(self) -> Iterator[None]:
        """The channel manager neither answers nor ends for a while."""
        pid = next(pid for pid, name in children(self.process.pid) if name == "uraiden")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def killed_sidecar(self) -> Iterator[None]:
        """The channel manager is killed, and started again on its database."""
        pid = next(pid for pid, name in children(self.process.pid) if name == "uraiden")
        self.order("kill sidecar")
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.01)
        try:
            yield
        finally:
            self.order("start sidecar")

    def order(self, line: str) -> None:
        """Tells the stack to do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()


def children(parent: int) -> list[tuple[int, str]]:
    """The processes below one, with their names."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = stat.read_text().split(" (", 1)
        except FileNotFoundError:
            continue
        name, _, fields = rest.rpartition(") ")
        if int(fields.split()[1]) == parent:
            found += [(int(pid), name), *children(int(pid))]
    return found


class Wire:
    """A TCP line to a server, which can be cut."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.cut_requests = False
        """Nothing reaches the server any more."""
        self.cut_answers = False
        """The server's answers do not arrive any more."""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it begins."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Takes no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            for source, sink, is_cut in (
                (near, far, lambda: self.cut_requests),
                (far, near, lambda: self.cut_answers),
            ):
                arguments = (source, sink, is_cut)
                threading.Thread(target=self._pump, args=arguments, daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket, is_cut: Any) -> None:
        try:
            while data := source.recv(65536):
                if is_cut():
                    break
                sink.sendall(data)
        except OSError:
            pass
        # So that what was sent before is at the server before the caller hears of the end.
        time.sleep(0.05 if is_cut() else 0)
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
