"""The parts of the contracts' interfaces that a payer needs."""

import json
from importlib.resources import files
from typing import Any, Final

from eth_abi.abi import decode
from eth_utils.crypto import keccak

_ABI: Final[dict[str, list[Any]]] = json.loads(files("uraiden").joinpath("abi.json").read_text())

CHANNELS: Final = _ABI["channels"]
"""`RaidenMicroTransferChannels`, version 0.2.x."""
TOKEN: Final = _ABI["token"]
"""ERC-20, and ERC-223's transfer with data."""


def _signature(entry: dict[str, Any]) -> bytes:
    """The hash that names an event, and whose start names an error. All types are plain."""
    types = ",".join(i["type"] for i in entry["inputs"])
    return keccak(text=f"{entry['name']}({types})")


_ERRORS: Final = {
    _signature(entry)[:4]: entry for entry in (*CHANNELS, *TOKEN) if entry["type"] == "error"
}


def explain(data: object) -> str:
    """A contract's error with its figures, or the data as it is where it is none that we know."""
    if not isinstance(data, str) or not data.startswith("0x"):
        return "it gives no reason"
    raw = bytes.fromhex(data[2:])
    entry = _ERRORS.get(raw[:4])
    if entry is None:
        return f"it says {data[:74]}"
    inputs = entry["inputs"]
    values = decode([i["type"] for i in inputs], raw[4:])
    figures = ", ".join(f"{i['name']} {value}" for i, value in zip(inputs, values, strict=True))
    return f"{entry['name']}({figures})"


def topic(event: str) -> str:
    """The first topic of an event of the channels' contract, as hex."""
    entry = next(e for e in CHANNELS if e["type"] == "event" and e["name"] == event)
    return "0x" + _signature(entry).hex()
