"""The connection to a Label Studio server: certificates are always checked, and no other host is ever followed to."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Final

import httpx

from ...errors import StudioError
from ...wording import quoted

CA_VARIABLE: Final = "SSL_CERT_FILE"
_CA_REMEDY: Final = f"Put the certificate of the authority that signed it into a PEM file and name it in {CA_VARIABLE}"
_CLOCK: Final = "Check the date of this computer and of the server; if they are right, its certificate is to be renewed"


def connection(url: str, *, timeout: float) -> httpx.Client:
    """A client for one server.

    Raises:
        StudioError: The file of certificates in `SSL_CERT_FILE` cannot be read.
    """
    hooks: dict[str, list[Callable[..., None]]] = {"response": [partial(_check_redirect, url)]}
    try:
        return httpx.Client(base_url=url, timeout=timeout, follow_redirects=True, event_hooks=hooks)
    except (OSError, ssl.SSLError) as error:  # httpx reads the file here
        what = f"the file of certificates {quoted(os.environ.get(CA_VARIABLE, ''), most=200)} cannot be read"
        raise StudioError(url, what, f"Name a PEM file in {CA_VARIABLE}, or unset it") from error


class SentElsewhere(StudioError):
    """The server sends a request on to where nothing may be sent."""


class RenewedToken(httpx.Auth):
    """Sends a refused request once more with a new short-lived token, whatever the clock of this computer says."""

    def __init__(self, wrapper: Any) -> None:
        self._wrapper = wrapper  # the SDK's, which keeps the short-lived token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """What httpx asks: the request, and once more after a 401, which means that it was not carried out."""
        answer = yield request
        if answer.status_code == 401 and "Authorization" in request.headers and (header := self._renewed()):
            request.headers["Authorization"] = header
            yield request

    def _renewed(self) -> str | None:
        """The header with a new token; None if the token is not one that is exchanged."""
        tokens = self._wrapper._tokens_client
        if tokens._use_legacy_token:
            return None
        tokens._access_token = None
        return str(self._wrapper.get_headers()["Authorization"])


def no_answer(error: httpx.TransportError) -> tuple[str, str]:
    """What is wrong and what to do, where no answer came."""
    found = _tls_error(error)
    if isinstance(found, ssl.SSLCertVerificationError):
        told = f"its certificate is not trusted ({found.verify_message.rstrip('.')})"
        if "expired" in told or "not yet valid" in told:
            return told, _CLOCK
        if "mismatch" in told:
            return told, "Use the name that the certificate is for: dmr studio connect URL"
        return told, _CA_REMEDY
    if found is not None:
        return (
            "it does not speak TLS as this computer does",
            "Check whether the address begins with http:// or https://",
        )
    what_to_do = "Start it with `dmr studio start`, or check the server. Then run the command again"
    return "Label Studio does not answer", what_to_do


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """The failure of the encryption behind an error, if it is one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError) and not isinstance(seen, ssl.SSLEOFError):  # an EOF: the server ended
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _check_redirect(url: str, answer: httpx.Response) -> None:
    """Refuse to be sent on to another host, and to lose what a request holds on the way.

    Raises:
        SentElsewhere: The answer sends on to where nothing may be sent.
    """
    if not answer.has_redirect_location:
        return
    asked = answer.request.url
    try:
        there = asked.join(answer.headers["location"])
    except (httpx.InvalidURL, ValueError):
        return  # httpx tells it
    if not there.host or there.scheme not in ("http", "https"):
        origin = quoted(there.scheme)
    else:
        origin = f"{there.scheme}://{there.netloc.decode('ascii')}"
    own, other = _origin(asked), _origin(there)
    if own != other and (own, other) != (("http", asked.host, 80), ("https", asked.host, 443)):
        what = f"it sends requests on to another server, {origin}; nothing was sent there"
        raise SentElsewhere(url, what, f"If that is your Label Studio, use its address: dmr studio connect {origin}")
    if answer.request.method not in ("GET", "HEAD") and answer.status_code not in (307, 308):
        what = f"it sends requests on to {origin}, and what they hold would be lost on the way"
        raise SentElsewhere(url, what, f"Use that address: dmr studio connect {origin}")


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)
