"""Label Studio's protocol for machine learning backends: health, setup, predict, webhook."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ...annotate.errors import DmrError
from ...annotate.faults import told
from ...annotate.studio.projects.backend import ACTIONS
from ...annotate.wording import counted
from .drafting import Answers, Drafter
from .log import Write, failure
from .outlining import Outliner
from .prompts import is_prompt
from .turns import Turns

MOST_BYTES: Final = 16 * 2**20
MOST_TASKS: Final = 1000
START_TRAINING: Final = "START_TRAINING"  # the button "Start Training" in a project's settings
_ANNOUNCED_S: Final = 60.0  # from one line on refused callers to the next


class _Refused(Exception):
    """A request that is not answered, with its status and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(slots=True)
class Serving:
    """What the routes work with.

    Attributes:
        drafter: Answers tasks.
        outliner: Answers boxes and clicks.
        turns: Pulls.
        log: Gets what happens.
        authorization: The header that a caller has to show.
        answered: How many tasks were answered.
        refused_at: When a refused caller was last told of.
    """

    drafter: Drafter
    outliner: Outliner
    turns: Turns
    log: Write
    authorization: str
    answered: int = 0
    refused_at: float = -_ANNOUNCED_S


def make_app(serving: Serving) -> Starlette:
    """The server's application. Every route asks for the secret, and answers JSON."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        serving.turns.start()
        yield
        await run_in_threadpool(serving.turns.stop)

    async def health(_: Request) -> dict[str, Any]:
        return {"status": "UP"}

    async def setup(request: Request) -> dict[str, Any]:
        body = await _body(request)  # it holds a token of Label Studio, which nobody here wants
        return {"model_version": await run_in_threadpool(serving.drafter.version, _project(body))}

    async def predict(request: Request) -> dict[str, Any]:
        body = await _body(request)
        tasks, config = body.get("tasks"), body.get("label_config")
        if not isinstance(tasks, list):
            raise _Refused(400, "tasks is no list")
        if len(tasks) > MOST_TASKS:
            raise _Refused(413, f"{len(tasks)} tasks, and at most {MOST_TASKS} are answered at once")
        config = config if isinstance(config, str) else ""
        if is_prompt(params := body.get("params")):
            return {"results": await run_in_threadpool(_outlined, serving, tasks, config, params)}
        found = await run_in_threadpool(_answered, serving, tasks, config, _project(body))
        return {"results": found.results}

    async def webhook(request: Request) -> dict[str, Any]:
        action = (await _body(request)).get("action")
        if action == START_TRAINING:
            serving.turns.ask_training()
        elif isinstance(action, str) and action in ACTIONS:
            serving.turns.hint()
        return {"status": "ok"}

    async def missing(_: Request) -> dict[str, Any]:
        raise _Refused(404, "there is no such page")

    return Starlette(
        routes=[
            Route("/health", _guarded(health, serving), methods=["GET"]),
            Route("/setup", _guarded(setup, serving), methods=["POST"]),
            Route("/predict", _guarded(predict, serving), methods=["POST"]),
            Route("/webhook", _guarded(webhook, serving), methods=["POST"]),
            Route("/{rest:path}", _guarded(missing, serving)),
        ],
        lifespan=lifespan,
    )


def _guarded(
    answer: Callable[[Request], Awaitable[dict[str, Any]]], serving: Serving
) -> Callable[[Request], Awaitable[JSONResponse]]:
    """A route that refuses strangers and large bodies, and tells a failure as JSON."""

    async def guarded(request: Request) -> JSONResponse:
        shown = request.headers.get("authorization", "")
        if not hmac.compare_digest(shown.encode("utf-8", "replace"), serving.authorization.encode("ascii")):
            if time.monotonic() - serving.refused_at >= _ANNOUNCED_S:
                serving.refused_at = time.monotonic()
                serving.log("refused: a caller without the right secret. Set the project up again: dmr serve --connect")
            return JSONResponse({"error": "wrong secret"}, 401, {"WWW-Authenticate": 'Basic realm="dmr serve"'})
        try:
            return JSONResponse(await answer(request))
        except _Refused as error:
            return JSONResponse({"error": str(error)}, error.status)
        except ClientDisconnect:
            return JSONResponse({"error": "disconnected"}, 400)
        except Exception as error:
            serving.log(f"{request.url.path[1:40]}: {_line(error)}")
            return JSONResponse({"error": "not now; the log of dmr serve says why"}, 503)

    return guarded


def _answered(serving: Serving, tasks: list[object], config: str, project: int | None) -> Answers:
    """The answers to tasks. Where the workspace cannot be used, no task is answered now."""
    began = time.perf_counter()
    try:
        found = serving.drafter.answer(tasks, config=config, project=project)
    except Exception as error:
        found = Answers([[] for _ in tasks], later=len(tasks), failures=(_line(error),))
    took = time.perf_counter() - began
    serving.answered += len(tasks)
    line = f"predict: {counted(len(tasks), 'tasks')}, {counted(found.drafts, 'drafts')}, {found.drawn} drawn now"
    serving.log(f"{line}{f', {found.later} later' if found.later else ''}, {took:.2f} s")
    for words in found.failures:
        serving.log(f"predict: {words}")
    return found


def _outlined(serving: Serving, tasks: list[object], config: str, params: object) -> list[dict[str, Any]]:
    """The answers to boxes and clicks. Where the workspace cannot be used, they are empty, and the log says why."""
    began = time.perf_counter()
    try:
        results = serving.outliner.answer(tasks, config=config, params=params)
    except Exception as error:
        serving.log(f"boxes: {_line(error)}")
        return [{"result": [], "score": 0.0} for _ in tasks]
    outlines = sum(len(r["result"]) for r in results)
    serving.log(f"boxes: {counted(outlines, 'outlines')}, {time.perf_counter() - began:.2f} s")
    return results


async def _body(request: Request) -> dict[str, Any]:
    """The body of a request as a JSON object. Raises _Refused."""
    size = request.headers.get("content-length", "0")
    if size.isdecimal() and int(size[:20]) > MOST_BYTES:
        raise _Refused(413, f"the body is larger than {MOST_BYTES} bytes")
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > MOST_BYTES:
            raise _Refused(413, f"the body is larger than {MOST_BYTES} bytes")
    try:
        body = json.loads(parts)
    except (ValueError, RecursionError):
        raise _Refused(400, "the body is no JSON") from None
    if not isinstance(body, dict):
        raise _Refused(400, "the body is no JSON object")
    return body


def _project(body: dict[str, Any]) -> int | None:
    """The project's number: Label Studio writes `number.seconds` of its creation."""
    number = str(body.get("project", "")).partition(".")[0]
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else None


def _line(error: Exception) -> str:
    known = error if isinstance(error, DmrError) else told(error)
    return failure(error) if known is None else f"Error: {known}"
