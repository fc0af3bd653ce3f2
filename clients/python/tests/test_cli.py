"""The command `uraiden-pay`."""

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from tests.ground import Ground
from tests.seller import Reply, Seller
from uraiden.cli import main

RECEIVER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


class Shell:
    """Runs the command as somebody."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.err = ""

    def __call__(self, *arguments: str, status: int = 0) -> str:
        """What it prints."""
        assert main(list(arguments)) == status, self._capsys.readouterr().err
        said = self._capsys.readouterr()
        self.err = said.err
        return said.out

    def json(self, *arguments: str) -> Any:
        """What it prints with `--json`."""
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def shell(
    ground: Ground,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    """A shell with everything in its environment."""
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text("0x" + bytes(ground.account().key).hex())
    monkeypatch.setenv("URAIDEN_KEY_FILE", str(key))
    monkeypatch.setenv("URAIDEN_CONTRACT", ground.contract)
    monkeypatch.setenv("URAIDEN_RPC_URL", ground.url)
    monkeypatch.setenv("URAIDEN_STATE", str(tmp_path / "state.db"))
    return Shell(capsys)


def test_get_shows_the_answer_and_what_it_cost(shell: Shell, seller: Seller) -> None:
    assert shell("get", f"{seller.url}/a", "--max-price", "10", "--deposit", "25") == "sold"
    assert shell.err.startswith(f"paid 10 to {seller.receiver}, 2 round trips; 10 of 25 used in")
    assert shell("get", f"{seller.url}/free", "--max-price", "10") == "free"
    assert shell.err == "free, 1 round trip\n"


def test_get_is_like_curl(shell: Shell, seller: Seller, tmp_path: Path) -> None:
    body, output = tmp_path / "body", tmp_path / "output"
    body.write_bytes(b"from a file")
    url = f"{seller.url}/a"
    shell("get", url, "--max-price", "10", "-d", "x=1", "-H", "X-One: 1", "-H", "X-Two:2")
    shell("get", url, "--max-price", "10", "-d", f"@{body}", "-X", "PUT", "-o", str(output))
    post, put = seller.served
    assert (post.method, post.body, put.method, put.body) == (
        "POST",
        b"x=1",
        "PUT",
        b"from a file",
    )
    assert (post.headers["x-one"], post.headers["x-two"]) == ("1", "2")
    assert output.read_bytes() == b"sold"
    assert "RDN-Cost: 10\n" in shell("get", url, "--max-price", "10", "-i")
    seller.answering = lambda *_: Reply(404, {}, b"gone")
    assert shell("get", url, "--max-price", "10") == "gone"
    assert shell("get", url, "--max-price", "10", "-f", status=22) == "gone"


def test_get_says_everything_in_json(shell: Shell, seller: Seller) -> None:
    said = shell.json("get", f"{seller.url}/a", "--max-price", "10")
    assert said["status"] == 200
    assert said["body"] == "sold"
    assert (said["paid"], said["balance"], said["deposit"]) == ("10", "10", "100")
    assert said["channel"]["receiver"] == seller.receiver
    assert said["roundTrips"] == 2


def test_refusals_end_with_1_and_say_why(shell: Shell, seller: Seller) -> None:
    url = f"{seller.url}/a"
    assert shell("get", url, "--max-price", "9", status=1) == ""
    assert shell.err == (
        "uraiden-pay: the price of 10 is above the limit of 9; raise max_price if it is worth it\n"
    )
    shell("get", url, "--max-price", "9", "--json", status=1)
    assert json.loads(shell.err)["error"] == "PriceAboveLimit"
    shell("get", url, "--max-price", "10", "--receiver", RECEIVER, status=1)
    assert f"we pay {RECEIVER} only" in shell.err
    shell("get", url, "--max-price", "10", "--max-deposit", "9", status=1)
    assert "a deposit of 10 is needed" in shell.err
    shell("get", "http://127.0.0.1:1/", "--max-price", "10", status=1)
    assert "refused" in shell.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["get", "http://x", "--max-price", "-1"], "'-1' is not an amount"),
        (["get", "http://x", "--max-price", "1e3"], "'1e3' is not an amount"),
        (["get", "http://x"], "--max-price"),
        (["get", "http://x", "--max-price", "0"], "max_price: 0 is not a price"),
        (["get", "http://x", "--max-price", "1", "-H", "nonsense"], "--header 'nonsense'"),
        (["open", "0x12", "5"], "'0x12' is not an address"),
        (["close", RECEIVER], f"those of {RECEIVER}: none"),
        (["dance"], "invalid choice: 'dance'"),
        ([], "COMMAND"),
    ],
)
def test_wrong_arguments_end_with_2_and_name_what_is_wrong(
    arguments: list[str],
    message: str,
    shell: Shell,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_key_is_needed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("URAIDEN_KEY_FILE")
    with pytest.raises(SystemExit):
        main(["channels"])
    assert "--key-file is missing; URAIDEN_KEY_FILE says the same" in capsys.readouterr().err


def test_a_channel_by_hand(shell: Shell, ground: Ground) -> None:
    assert shell("channels") == ""
    assert "has no channels" in shell.err
    opened = shell.json("open", RECEIVER, "40")
    block = str(opened["openBlock"])
    assert shell("topup", RECEIVER, "--add", "2") == "the deposit is 42\n"
    assert shell("channels") == f"{RECEIVER} {block} open: 0 of 42 used\n"
    ground.mine()
    other = str(shell.json("open", RECEIVER, "7")["openBlock"])
    with pytest.raises(SystemExit):
        main(["topup", RECEIVER, "--add", "2"])
    assert shell("close", RECEIVER, block, "--alone").startswith("closing; `settle` it after block")
    shell("settle", RECEIVER, block, status=1)
    assert "ChallengePeriodRunning" in shell.err
    ground.mine(501)
    assert shell("settle", RECEIVER, block) == "settled: 0 for the receiver, 42 back\n"
    assert [c["openBlock"] for c in shell.json("channels")] == [int(other)]
    rows = shell.json("channels", "--all", "--offline")
    assert [c["status"] for c in rows] == ["open", "settled"]


def test_a_channel_is_closed_with_its_receiver(shell: Shell, seller: Seller) -> None:
    shell("get", f"{seller.url}/a", "--max-price", "10")
    closed = shell.json("close", seller.receiver)
    assert (closed["balance"], closed["returned"]) == ("10", "90")
    shell("get", f"{seller.url}/a", "--max-price", "10", "--close")
    assert shell("channels") == ""


def test_a_refused_closing_starts_the_challenge_period(shell: Shell, seller: Seller) -> None:
    shell("get", f"{seller.url}/a", "--max-price", "10")
    seller.answering = lambda *_: Reply(500)
    assert shell("close", seller.receiver).startswith("closing; `settle` it after block")
    assert "does not agree to close (500)" in shell.err


def test_an_encrypted_keystore_is_opened_with_its_password(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keystore, password = tmp_path / "keystore", tmp_path / "password"
    account = Account.create()
    made = Account.encrypt(account.key, "secret", kdf="pbkdf2", iterations=2)
    keystore.write_text(json.dumps(made))
    password.write_text("secret")
    shell("channels", "--key-file", str(keystore), "--password-file", str(password))
    assert account.address in shell.err
    monkeypatch.setenv("URAIDEN_PASSWORD", "secret")
    shell("channels", "--key-file", str(keystore))
    assert account.address in shell.err
    monkeypatch.delenv("URAIDEN_PASSWORD")
    shell("channels", "--key-file", str(keystore), status=1)
    assert "use --password-file" in shell.err
