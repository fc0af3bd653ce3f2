"""What a subclass of `uraiden.Session` may hear of, and have a say in."""

from typing import Any

from requests import Response


class Hooks:
    """The hooks of a session, under the names that they had in µRaiden 0.2.0.

    Those of a 402 answer whether to go on as usual, which they do unless they are overridden; False
    ends the request with that 402 as its answer, and nothing more is signed. `kwargs` are those of
    `requests.Session.send`.
    """

    def on_init(self, method: str, url: str, **kwargs: Any) -> None:
        """A request begins."""

    def on_exit(self, method: str, url: str, response: Response, **kwargs: Any) -> None:
        """A request has its answer."""

    def on_http_response(self, method: str, url: str, response: Response, **kwargs: Any) -> bool:
        """An answer came, whatever it is. False makes it the last."""
        return True

    def on_success(self, method: str, url: str, response: Response, **kwargs: Any) -> bool:
        """The answer is the caller's, and no error. True asks, and pays, once more."""
        return False

    def on_http_error(self, method: str, url: str, response: Response, **kwargs: Any) -> bool:
        """The answer is the caller's, and an error of the service. True asks, and pays, once
        more."""
        return False

    def on_payment_requested(
        self, method: str, url: str, response: Response, **kwargs: Any
    ) -> bool:
        """A plain 402: a payment is about to be made."""
        return True

    def on_insufficient_confirmations(
        self, method: str, url: str, response: Response, **kwargs: Any
    ) -> bool:
        """The channel is too young: the same payment is sent again after a pause."""
        return True

    def on_nonexisting_channel(
        self, method: str, url: str, response: Response, **kwargs: Any
    ) -> bool:
        """The server does not know the channel: it may need time, or the channel has ended."""
        return True

    def on_invalid_balance_proof(
        self, method: str, url: str, response: Response, **kwargs: Any
    ) -> bool:
        """The server does not see the deposit yet: the same payment is sent again after a pause."""
        return True

    def on_invalid_amount(self, method: str, url: str, response: Response, **kwargs: Any) -> bool:
        """The server holds another balance, or wants another price."""
        return True

    def on_invalid_contract_address(
        self, method: str, url: str, response: Response, **kwargs: Any
    ) -> bool:
        """The server names another contract: `OtherContract` follows."""
        return True
