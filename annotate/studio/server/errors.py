"""Failed requests to Label Studio as one-line errors, without tokens, headers or HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from traceback import walk_tb
from typing import Final

import httpx
from label_studio_sdk.core.api_error import ApiError
from label_studio_sdk.core.parse_error import ParsingError

from ...errors import StudioError
from ...hiding import hider
from ...wording import quoted
from ..answers.records import OddAnswer
from .connection import no_answer

_NO_STUDIO = "does not answer as Label Studio does", "Check the address"
_MOST = 200  # characters shown of the server's own words; they may hold labels
TOO_LARGE: Final = 413
_LIMIT = "Raise its limit, such as client_max_body_size of nginx, and run the command again"
_AGAIN = "Check the server and run the command again; finished work is not repeated"


@contextmanager
def told(url: str, what: str) -> Iterator[None]:
    """Turn a failed request into a one-line error without tokens."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise StudioError(url, f"Label Studio did not answer in time about {what}", _AGAIN) from error
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise StudioError(url, *_refusal(status, _detail(error.response.text), what)) from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise StudioError(url, "is not the address of a server", "Begin it with http:// or https://") from error
    except httpx.TransportError as error:
        raise StudioError(url, *no_answer(error)) from error
    except ApiError as error:
        raise StudioError(url, *_refusal(error.status_code, _detail(error.body), what)) from error
    except OddAnswer as error:
        raise StudioError(url, f"{_NO_STUDIO[0]}, asked for {what}: {error}", _NO_STUDIO[1]) from error
    except (httpx.TooManyRedirects, ParsingError, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StudioError(url, *_NO_STUDIO) from error
    except (TypeError, ValueError) as error:
        if not _is_the_sdks(error):
            raise
        raise StudioError(url, *_NO_STUDIO) from error


def status_of(error: StudioError) -> int | None:
    """The HTTP status behind an error; None if the server sent none."""
    cause = error.__cause__
    if isinstance(cause, httpx.HTTPStatusError):
        return cause.response.status_code
    return cause.status_code if isinstance(cause, ApiError) else None


@contextmanager
def passing_over(status: int) -> Iterator[None]:
    """Ignore a refusal with this HTTP status; the code after the `with` goes on."""
    try:
        yield
    except StudioError as error:
        if status_of(error) != status:
            raise


def _refusal(status: int | None, detail: str, what: str) -> tuple[str, str]:
    """What is wrong and what to do, for an HTTP status."""
    if status in (None, 401):
        return "Label Studio refuses the token", "Give it a valid one: dmr studio connect"
    if status == 403:
        return f"the token's owner may not see or change {what}", "Use an administrator's token: dmr studio connect"
    if status < 400:
        return _NO_STUDIO
    if status == 404:
        return f"Label Studio has no {what}", "Check it in Label Studio and run the command again"
    if status == TOO_LARGE:
        return f"the server takes no request as large as that for {what} (413)", _LIMIT
    return f"Label Studio refuses {what} ({status}{detail})", _AGAIN


def _is_the_sdks(error: Exception) -> bool:
    """Whether the error arose inside the SDK, which does not check an answer's form before it uses it."""
    names = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    return any(name.startswith("label_studio_sdk.") for name in names)


def _detail(body: object) -> str:
    """The server's own message as one short line; empty for a page of HTML."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return ""
    if isinstance(body, Mapping):
        body = body.get("validation_errors") or body.get("detail") or body
    text = " ".join(_words(body).split())[:_MOST]
    return f": {quoted(text, most=_MOST) if hider() is not None else text}"


def _words(body: object) -> str:
    """A message of the server without the brackets and quotes of JSON."""
    if isinstance(body, Mapping):
        return "; ".join(f"{name}: {_words(value)}" for name, value in body.items())
    return ", ".join(map(_words, body)) if isinstance(body, list) else str(body)
