"""Calls to a server's channel API over requests."""

from collections.abc import Callable
from typing import Final

import requests

from uraiden.action import ApiAnswer, Call

_TIMEOUT: Final = 30.0
_LONGEST: Final = 65536


def call_api(
    call: Call, send: Callable[[requests.Request], requests.Response] | None = None
) -> ApiAnswer:
    """Makes one call. That no answer came is an answer without a status."""
    request = requests.Request(call.method, call.url, headers=call.headers, data=call.form)
    try:
        with (send or _send)(request) as response:
            body = response.raw.read(_LONGEST, decode_content=True)
            return ApiAnswer(response.status_code, body)
    except (requests.RequestException, OSError) as error:
        return ApiAnswer(None, str(error)[:300].encode())


def _send(request: requests.Request) -> requests.Response:
    with requests.Session() as session:
        prepared = session.prepare_request(request)
        # A redirect would take our proof to a place that was not named.
        return session.send(prepared, timeout=_TIMEOUT, stream=True, allow_redirects=False)
