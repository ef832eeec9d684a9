"""The decoding child: reads requests, and answers with frames. It keeps nothing and writes no file."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...errors import BrokenInput
from .limits import limit_memory
from .messages import receive, send
from .values import Span


def main() -> None:
    """Answer requests until the other side ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints must not get between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for dmr, which ends this process
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    limit_memory(int(sys.argv[1]))
    try:
        send(answers, {"ready": True})
        while (request := receive(sys.stdin.buffer)) is not None:
            _answer(answers, request[0])
    except OSError:  # the other side is gone
        os._exit(0)


def _answer(answers: IO[bytes], request: dict[str, Any]) -> None:
    path = Path(request["path"])
    try:
        if "tags" in request:
            _tags(answers, path, request["tags"])
        else:
            _decode(answers, path, Span(int(request["first"]), int(request["every"])))
    except BrokenInput as error:
        send(answers, {"error": error.what, "remedy": error.remedy})
    except MemoryError:
        send(answers, {"error": "needs more memory than a scan may take", "remedy": "", "ends": True})
        os._exit(1)
    except OSError as error:
        if error.filename is None and not isinstance(error, (FileNotFoundError, PermissionError)):
            send(answers, {"error": "is damaged or cut short", "remedy": ""})
        else:
            send(answers, {"error": f"cannot be opened ({error.strerror})", "remedy": "Check its permissions"})
    except Exception:  # a damaged file makes the decoders raise anything; its message may quote the file
        send(answers, {"error": "is damaged: it cannot be decoded", "remedy": ""})


def _tags(answers: IO[bytes], path: Path, names: list[str]) -> None:
    send(answers, {"loads": True})
    from .header import written_tags

    send(answers, {"alive": True})
    syntax, data = written_tags(path, names)
    send(answers, {"syntax": syntax}, data)


def _decode(answers: IO[bytes], path: Path, span: Span) -> None:
    from .sources import open_source

    source, frames = open_source(
        path,
        span=span,
        alive=lambda: send(answers, {"alive": True}),
        loads=lambda: send(answers, {"loads": True}),
    )
    send(answers, {"source": asdict(source)})
    for shown in frames:
        told = {
            "size": shown.pixels.shape,
            "index": shown.index,
            "time_ms": shown.time_ms,
            "coloured": shown.coloured,
            "notes": shown.notes,
        }
        send(answers, told, np.ascontiguousarray(shown.pixels).data.cast("B"))
    send(answers, {"end": True})


if __name__ == "__main__":
    main()
