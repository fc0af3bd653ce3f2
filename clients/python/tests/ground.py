"""A real Ethereum node with our contract on it, for tests."""

import itertools
import json
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import HTTPProvider, Web3
from web3.contract import Contract

from uraiden import Client
from uraiden.values import Address, address

REPO = Path(__file__).resolve().parents[3]
ANVIL = REPO / ".tools/node/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
DEPLOYER = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
"""The first account of every development node."""

_seeds = itertools.count(1)


@dataclass
class Ground:
    """A node, a contract and its token."""

    url: str
    web3: Web3
    contract: Address
    token: Address
    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls) -> "Ground":
        """Starts anvil on a free port and deploys."""
        port = free_port()
        program = os.environ.get("URAIDEN_ANVIL", str(ANVIL))
        process = subprocess.Popen(
            [program, "--port", str(port), "--silent"], stdout=subprocess.DEVNULL
        )
        url = f"http://127.0.0.1:{port}"
        web3 = Web3(HTTPProvider(url))
        deadline = time.monotonic() + 20
        while not web3.is_connected():
            assert process.poll() is None, f"{program} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{program} does not answer at {url}"
            time.sleep(0.02)
        token = _deploy(web3, artifact("TestToken"), 10**30, "Test", "TST")
        contract = _deploy(web3, artifact("RaidenMicroTransferChannels"), token, 500, [])
        return cls(url, web3, contract, token, process)

    def stop(self) -> None:
        """Ends the node."""
        self.process.terminate()
        self.process.wait(10)

    def rpc(self, method: str, *params: Any) -> Any:
        """Asks the node for something that web3.py has no name for."""
        answer = self.web3.provider.make_request(method, list(params))  # type: ignore[arg-type]
        assert "error" not in answer, answer
        return answer["result"]

    def mine(self, blocks: int = 1) -> None:
        """Mines empty blocks."""
        self.rpc("anvil_mine", hex(blocks))

    def account(self, tokens: int = 10**6) -> LocalAccount:
        """A new account with ether and tokens."""
        account: LocalAccount = Account.create(str(next(_seeds)))
        self.rpc("anvil_setBalance", account.address, hex(10**20))
        if tokens:
            self.pay(account.address, tokens)
        return account

    def pay(self, to: str, tokens: int) -> None:
        """Sends tokens of the deployer."""
        deployer = Account.from_key(DEPLOYER).address
        transfer = self.erc20().get_function_by_signature("transfer(address,uint256)")
        self.web3.eth.wait_for_transaction_receipt(
            transfer(to, tokens).transact({"from": deployer}), poll_latency=0.02
        )

    def erc20(self) -> Contract:
        """The token."""
        at = Web3.to_checksum_address(self.token)
        return self.web3.eth.contract(at, abi=artifact("TestToken")["abi"])

    def tokens(self, account: str) -> int:
        """What an account holds."""
        return int(self.erc20().functions.balanceOf(account).call())

    def client(self, key: Any, state: Path, **more: Any) -> Client:
        """A client of this node, in a hurry."""
        options = {"rpc_url": self.url, "poll": 0.01, "max_wait": 10.0, **more}
        return Client(key, self.contract, state=state, **options)


def artifact(name: str) -> dict[str, Any]:
    """What the compiler has made of a contract."""
    text = (REPO / f"contracts/artifacts/{name}.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def _deploy(web3: Web3, compiled: dict[str, Any], *arguments: Any) -> Address:
    contract = web3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
    deployer = Account.from_key(DEPLOYER).address
    transaction = contract.constructor(*arguments).transact({"from": deployer})
    receipt = web3.eth.wait_for_transaction_receipt(transaction, poll_latency=0.02)
    return address(receipt["contractAddress"])


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
