"""Plain requests to Label Studio, for calls that the SDK lacks or whose exact answer is needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx

from ..answers.reading import items, whole
from .errors import told

PATIENCE_S: Final = 300.0  # time limit of a bulk request
_TRIES: Final = 3  # the SDK tries as often
_PAUSE_S: Final = 0.5  # doubled after each try


class RawCalls:
    """Requests over the SDK's connection.

    Only a GET is tried again: after a broken connection, nobody knows whether another request was carried out.
    """

    def __init__(self, http: httpx.Client, *, url: str, headers: Callable[[], Mapping[str, str]]) -> None:
        self._http = http
        self._url = url
        self._headers = headers

    def pages(self, params: Mapping[str, Any]) -> Iterator[Any]:
        """The tasks of a list as JSON, page by page."""
        page, seen = 1, 0
        while True:
            answer = self.json("GET", "api/tasks", params={**params, "page": page}, timeout=PATIENCE_S)
            with told(self._url, "its tasks"):
                tasks, total = items(answer, "tasks"), whole(answer, "total")
            yield from tasks
            seen += len(tasks)
            if not tasks or seen >= total:
                return
            page += 1

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of an answer. Raises StudioError."""
        answer = self.request(method, path, **options)
        with told(self._url, path):
            return answer.json()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """An answer. Raises StudioError if there is none, or if the server refuses."""
        with told(self._url, path):
            answer = self._tried(method, path, options)
            answer.raise_for_status()
        return answer

    def _tried(self, method: str, path: str, options: Mapping[str, Any]) -> httpx.Response:
        more = _TRIES - 1 if method == "GET" else 0
        pause = _PAUSE_S
        while True:
            try:
                # The SDK exchanges a personal access token for a short-lived one, which is in its headers.
                headers = {"Authorization": self._headers()["Authorization"]}
                answer = self._http.request(method, f"/{path}", headers=headers, **options)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if not more:
                    raise
            else:
                if not more or not (answer.status_code >= 500 or answer.status_code in (408, 429)):
                    return answer
            time.sleep(pause)
            more, pause = more - 1, 2 * pause
