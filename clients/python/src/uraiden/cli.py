"""The command `uraiden-pay`."""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NoReturn

import requests

from uraiden import __version__, signer, values
from uraiden.channel import Channel
from uraiden.client import DEFAULT_RPC_URL, Client
from uraiden.error import CloseRefused, FalseAgreement, KeyUnreadable, UraidenError
from uraiden.policy import Policy
from uraiden.proof import ChannelId
from uraiden.purchase import Payment
from uraiden.session import Session, payment_of
from uraiden.state import Status
from uraiden.store import default_path
from uraiden.values import TokenAmount

_EPILOG: Final = """\
The key, the contract and the node may also be given as URAIDEN_KEY_FILE, URAIDEN_CONTRACT and
URAIDEN_RPC_URL, the password of an encrypted keystore as URAIDEN_PASSWORD. Amounts are base units
of the contract's token. Exit status: 0 done, 1 refused or failed, 2 wrong arguments, 22 an HTTP
error with --fail."""


def main(arguments: Sequence[str] | None = None, prog: str = "uraiden-pay") -> int:
    """Runs the command. Answers its exit status."""
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except (UraidenError, requests.RequestException, OSError) as error:
        if options.json:
            document = {"error": type(error).__name__, "detail": str(error)}
            print(json.dumps(document), file=sys.stderr)
        else:
            print(f"{prog}: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        parser.error(str(error))


# === What it understands


def _parser(prog: str) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--key-file", help="a file with the private key, or an encrypted keystore")
    common.add_argument("--password-file", help="a file with the keystore's password")
    common.add_argument("--contract", help="the contract that deposits may go to")
    common.add_argument("--rpc-url", help=f"the Ethereum node; {DEFAULT_RPC_URL} otherwise")
    common.add_argument("--state", help=f"the file that remembers channels; {_tilde()} otherwise")
    common.add_argument(
        "--start-block", type=_block, default=0, help="search channels from this block on"
    )
    common.add_argument(
        "--max-wait", type=float, default=300.0, help="seconds to wait for blocks; 300 otherwise"
    )
    common.add_argument("--json", action="store_true", help="print JSON")

    parser = argparse.ArgumentParser(
        prog=prog,
        description="Pays for HTTP requests with µRaiden balance proofs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"uraiden {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> Any:
        one = commands.add_parser(name, parents=[common], help=text, description=f"{text}.")
        one.set_defaults(run=run)
        return one

    get = command("get", _get, "send a request, and pay for it if asked to")
    get.add_argument("url")
    get.add_argument("--max-price", type=_amount, required=True, help="the most that it may cost")
    get.add_argument("--deposit", type=_amount, help="lock up so much; ten payments otherwise")
    get.add_argument("--max-deposit", type=_amount, help="never lock up more in one channel")
    get.add_argument("--receiver", type=_address, help="pay nobody else")
    get.add_argument("-X", "--request", metavar="METHOD", help="GET, or POST with --data")
    get.add_argument("-H", "--header", action="append", default=[], help="such as 'Accept: */*'")
    get.add_argument("-d", "--data", help="the body; @FILE reads it from a file")
    get.add_argument("-o", "--output", help="write the answer's body here")
    get.add_argument("-i", "--include", action="store_true", help="print the answer's headers")
    get.add_argument("-f", "--fail", action="store_true", help="exit 22 at an HTTP error")
    get.add_argument("-L", "--location", action="store_true", help="follow redirects")
    get.add_argument("--close", action="store_true", help="close the channel afterwards")

    channels = command("channels", _channels, "list the channels")
    channels.add_argument("--all", action="store_true", help="settled ones too")
    channels.add_argument(
        "--offline", action="store_true", help="do not look for channels on the chain"
    )

    open_ = command("open", _open, "open a channel")
    open_.add_argument("receiver", type=_address)
    open_.add_argument("deposit", type=_amount)

    for name, run, text in (
        ("topup", _topup, "add to a channel's deposit"),
        ("close", _close, "end a channel, with the receiver's agreement if there is one"),
        ("settle", _settle, "take the rest back after the challenge period"),
    ):
        one = command(name, run, text)
        one.add_argument("receiver", type=_address)
        one.add_argument("open_block", type=_block, nargs="?", help="where there are several")
        if name == "topup":
            one.add_argument("--add", type=_amount, required=True, help="how much")
        if name == "close":
            one.add_argument(
                "--gateway", help="the root of the channel API, such as https://…/api/1"
            )
            one.add_argument(
                "--alone", action="store_true", help="do not ask the receiver; takes longer"
            )
    return parser


def _checked(read: Callable[[object], Any]) -> Callable[[str], Any]:
    def check(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return check


_amount = _checked(values.amount)
_address = _checked(values.address)
_block = _checked(values.block_number)


def _tilde() -> str:
    path = str(default_path())
    home = str(Path.home())
    return "~" + path[len(home) :] if path.startswith(home + os.sep) else path


# === Commands


def _get(options: argparse.Namespace) -> int:
    deposit: TokenAmount | None = options.deposit
    policy = Policy(
        max_price=options.max_price,
        max_deposit=options.max_deposit,
        receivers=None if options.receiver is None else [options.receiver],
        max_wait=options.max_wait,
    )
    if deposit is not None:
        fixed: TokenAmount = deposit
        policy = replace(policy, initial_deposit=lambda _: fixed, topup_deposit=lambda _: fixed)
    headers = dict(_header(text) for text in options.header)
    with Session(_client(options), policy) as session:
        response = session.request(
            options.request or ("GET" if options.data is None else "POST"),
            options.url,
            headers=headers,
            data=_body(options.data),
            allow_redirects=options.location,
        )
        payment = payment_of(response)
        if payment is None:
            raise TypeError("every answer of a session says what it cost")
        _show_answer(options, response, payment)
        if options.close and session.channel is not None:
            _end(session.channel, options, None)
    return 22 if options.fail and response.status_code >= 400 else 0


def _show_answer(
    options: argparse.Namespace, response: requests.Response, payment: Payment
) -> None:
    if options.json:
        document = {
            "status": response.status_code,
            "headers": dict(response.headers),
            "paid": str(payment.amount),
            "roundTrips": payment.round_trips,
            "channel": None if payment.channel is None else _name(payment.channel),
            "balance": None if payment.balance is None else str(payment.balance),
            "deposit": None if payment.deposit is None else str(payment.deposit),
        }
        if options.output is None:
            document["body"] = response.text
        else:
            Path(options.output).write_bytes(response.content)
        print(json.dumps(document))
        return
    if options.include:
        print(f"HTTP {response.status_code} {response.reason}")
        for name, value in response.headers.items():
            print(f"{name}: {value}")
        print(flush=True)
    if options.output is None:
        sys.stdout.buffer.write(response.content)
        sys.stdout.buffer.flush()
    else:
        Path(options.output).write_bytes(response.content)
    print(_cost(payment), file=sys.stderr)


def _cost(payment: Payment) -> str:
    trips = "1 round trip" if payment.round_trips == 1 else f"{payment.round_trips} round trips"
    if payment.channel is None:
        return f"free, {trips}"
    return (
        f"paid {payment.amount} to {payment.channel.receiver}, {trips}; "
        f"{payment.balance} of {payment.deposit} used in the channel of block "
        f"{payment.channel.open_block}"
    )


def _channels(options: argparse.Namespace) -> int:
    client = _client(options)
    if not options.offline:
        client.sync_channels()
    chain = client.chain.ground().chain
    states = client.store.channels(chain, client.contract, client.address)
    shown = [s for s in states if options.all or s.status is not Status.SETTLED]
    if options.json:
        rows = [
            {
                **_name(state.id),
                "deposit": str(state.deposit),
                "balance": None if state.balance is None else str(state.balance),
                "pending": None if state.pending is None else str(state.pending),
                "status": state.status.value,
                "gateway": state.gateway,
            }
            for state in shown
        ]
        print(json.dumps(rows))
        return 0
    for state in shown:
        balance = "?" if state.balance is None else str(state.balance)
        print(
            f"{state.id.receiver} {state.id.open_block} {state.status.value}: "
            f"{balance} of {state.deposit} used"
        )
    if not shown:
        print(f"{client.address} has no channels", file=sys.stderr)
    return 0


def _open(options: argparse.Namespace) -> int:
    channel = _client(options).open_channel(options.receiver, options.deposit)
    _tell(options, _name(channel.id), f"opened in block {channel.open_block}")
    return 0


def _topup(options: argparse.Namespace) -> int:
    channel = _pick(_client(options), options)
    channel.topup(options.add)
    document = {**_name(channel.id), "deposit": str(channel.deposit)}
    _tell(options, document, f"the deposit is {channel.deposit}")
    return 0


def _close(options: argparse.Namespace) -> int:
    channel = _pick(_client(options), options)
    if options.alone:
        _start_challenge(channel, options)
    else:
        _end(channel, options, options.gateway)
    return 0


def _end(channel: Channel, options: argparse.Namespace, gateway: str | None) -> None:
    try:
        settlement = channel.close_cooperatively(gateway)
    except (CloseRefused, FalseAgreement) as refusal:
        print(f"{refusal}", file=sys.stderr)
        _start_challenge(channel, options)
        return
    _tell_settlement(channel, options, settlement.transaction, settlement.balance)


def _start_challenge(channel: Channel, options: argparse.Namespace) -> None:
    transaction = channel.close()
    info = channel.on_chain()
    block = None if info is None else info.settle_block
    document = {**_name(channel.id), "transaction": transaction, "settleBlock": block}
    _tell(options, document, f"closing; `settle` it after block {block}")


def _settle(options: argparse.Namespace) -> int:
    channel = _pick(_client(options), options)
    settlement = channel.settle()
    _tell_settlement(channel, options, settlement.transaction, settlement.balance)
    return 0


def _tell_settlement(
    channel: Channel, options: argparse.Namespace, transaction: str, balance: int
) -> None:
    back = channel.deposit - balance
    document = {
        **_name(channel.id),
        "transaction": transaction,
        "balance": str(balance),
        "returned": str(back),
    }
    _tell(options, document, f"settled: {balance} for the receiver, {back} back")


def _tell(options: argparse.Namespace, document: dict[str, Any], text: str) -> None:
    print(json.dumps(document) if options.json else text)


def _name(id_: ChannelId) -> dict[str, Any]:
    return {"receiver": id_.receiver, "sender": id_.sender, "openBlock": id_.open_block}


# === What it is given


def _client(options: argparse.Namespace) -> Client:
    key_file = _option(options.key_file, "URAIDEN_KEY_FILE", "--key-file")
    contract = _option(options.contract, "URAIDEN_CONTRACT", "--contract")
    password = os.environ.get("URAIDEN_PASSWORD")
    if password is None and options.password_file is None and signer.is_keystore(key_file):
        if not sys.stdin.isatty():
            raise KeyUnreadable(f"in {key_file}", "an encrypted keystore; use --password-file")
        password = getpass.getpass(f"Password of {key_file}: ")
    return Client(
        Path(key_file),
        contract,
        rpc_url=options.rpc_url or os.environ.get("URAIDEN_RPC_URL") or DEFAULT_RPC_URL,
        key_password_path=options.password_file,
        password=password,
        state=options.state,
        start_block=options.start_block,
        max_wait=options.max_wait,
    )


def _option(given: str | None, variable: str, name: str) -> str:
    found = given or os.environ.get(variable)
    if not found:
        raise ValueError(f"{name} is missing; {variable} says the same thing")
    return found


def _pick(client: Client, options: argparse.Namespace) -> Channel:
    if options.open_block is not None:
        return client.channel(options.receiver, options.open_block)
    found = [c for c in client.channels if c.receiver == options.receiver]
    if len(found) != 1:
        blocks = ", ".join(str(c.open_block) for c in found) or "none; `channels` looks for more"
        raise ValueError(f"name the open block; those of {options.receiver}: {blocks}")
    return found[0]


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise ValueError(f"--header {text!r} is not NAME: VALUE")
    return name.strip(), value.strip()


def _body(text: str | None) -> bytes | None:
    if text is None:
        return None
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()


def exit_with(prog: str) -> NoReturn:
    """Runs the command, and ends the process with its exit status."""
    sys.exit(main(prog=prog))
