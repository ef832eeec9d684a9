"""Kills and faults under every command: at a random moment, or one call that the system refuses.

After each, the workspace is verified, the same command runs again, and the outcome is held against that of a run that
nothing disturbed. Each part is a line of `results/fire.csv`, and an interrupted run goes on with the rest. It needs
Linux and `strace`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

from fire_faults import CALLS, ERRORS, Call, Ended, killed, timed, traced, with_fault
from fire_ground import STAGES, FakeStudio, Ground, serve
from fire_spoil import Ward
from parts import add, lines
from record import record

# More of what is quick: a training takes ten times as long as a conversion.
KILLS: Final = {"import": 60, "convert": 50, "backup": 45, "pull": 30, "push": 12, "prelabel": 5, "train": 4}
FAULTS: Final = {"import": 75, "convert": 50, "backup": 60, "pull": 50, "push": 14, "prelabel": 5, "train": 4}
SPOILT: Final = 200
COLUMNS: Final = ("part", "commit", "what", "changes", "place", "tracebacks", "lost", "corrupt", "same", "code", "told")
_TRIES: Final = 4


def main() -> None:
    """Run what is missing, and record what there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1e9, help="Stop after so long; the next run goes on.")
    parser.add_argument("--only", choices=("kill", "fault", "spoil"), help="One kind; two kinds may run side by side.")
    given = parser.parse_args()
    until = time.monotonic() + 60 * given.minutes
    if shutil.which("strace") is None:
        sys.exit("strace is missing: apt-get install strace")
    with tempfile.TemporaryDirectory(prefix="dmr-fire-") as folder, serve(FakeStudio()) as server:
        ground = Ground(Path(folder), server)
        ground.prepare()
        for part, row in parts(ground, only=given.only):
            if row["what"] != "did not fire":  # the next run tries it again
                add("fire", {"part": part, **row}, columns=COLUMNS)
            print(part, {key: value for key, value in row.items() if key != "told"}, flush=True)
            if time.monotonic() > until:
                break
    summary()


def parts(ground: Ground, *, only: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The parts that have no line yet, in an order that mixes the stages."""
    done = {line["part"] for line in lines("fire")}
    wanted = [("kill", s, n) for s, many in KILLS.items() for n in range(many)]
    wanted += [("fault", s, n) for s, many in FAULTS.items() for n in range(many)]
    wanted += [("spoil", "verify", n) for n in range(SPOILT)]
    Random(0).shuffle(wanted)
    disturb = Disturbing(ground)
    ward = Ward(ground.folder / "spoilt")
    for kind, stage, number in wanted:
        part = f"{kind} {stage} {number}"
        if part not in done and only in (None, kind):
            yield part, ward.spoil(number) if kind == "spoil" else disturb.one(kind, stage, number)


class Disturbing:
    """Disturbs stages, and looks what is left."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._calls: dict[str, list[Call]] = {}
        self._usual: dict[str, float] = {}
        self._used = {(line["changes"], line["what"]) for line in lines("fire")}
        self._seen = _kinds(lines("fire"))

    def one(self, kind: str, stage: str, number: int) -> dict[str, Any]:
        """One kill or fault; tried again where it did not fire."""
        arguments = STAGES[stage][1]
        wanted = self._ground.undisturbed(stage)
        self._measure(kind, stage)
        for turn in range(_TRIES):
            random = Random(f"{kind} {stage} {number} {turn}")
            with self._ground.copied(stage) as place:
                before = self._ground.revisions(place)
                what, ended = self._disturbed(kind, stage, place, random)
                if not ended.fired:
                    continue
                lost = len(before - self._ground.revisions(place))
                faults = self._ground.faults(place)
                again = self._ground.run(place, arguments)
                faults += self._ground.faults(place)
                lost += len(before - self._ground.revisions(place))
                same = again.exit_code == 0 and self._ground.end(stage, place) == wanted
            trace = "Traceback" in ended.output or not isinstance(again.exception, (SystemExit, type(None)))
            told = ended.output.strip().splitlines()[-1:] if kind == "fault" else []
            told += faults[:1] + ([] if same else [f"again: {again.exit_code} {again.output[-300:]}"])
            return {
                "what": what,
                "changes": stage,
                "place": ended.place,
                "tracebacks": int(trace),
                "lost": lost,
                "corrupt": len(faults),
                "same": int(same),
                "code": ended.code,
                "told": " | ".join(told).replace(str(self._ground.folder), ""),
            }
        return {"what": "did not fire", "changes": stage}

    def _disturbed(self, kind: str, stage: str, place: Path, random: Random) -> tuple[str, Ended]:
        arguments, environment = STAGES[stage][1], self._ground.environment(place)
        if kind == "kill":
            usual_s = self._usual[stage]
            return "kill", killed(arguments, place=place, environment=environment, usual_s=usual_s, random=random)
        call, error = self._pick(stage, random)
        log = self._ground.folder / "strace.log"
        ended = with_fault(arguments, call, error, place=place, environment=environment, log=log)
        return _what(call, error), ended

    def _measure(self, kind: str, stage: str) -> None:
        """Learn how long a stage takes, or which calls it makes."""
        if stage in (self._usual if kind == "kill" else self._calls):
            return
        with self._ground.copied(stage) as place:
            own: dict[str, Any] = {"place": place, "environment": self._ground.environment(place)}
            began = time.monotonic()
            if kind == "kill":
                timed(STAGES[stage][1], **own)
                self._usual[stage] = time.monotonic() - began
            else:
                self._calls[stage] = traced(STAGES[stage][1], log=self._ground.folder / "strace.log", **own)

    def _pick(self, stage: str, random: Random) -> tuple[Call, str]:
        """A call and an error: first the kind of call, then its place, then which one, so that rare places come up.

        An error of a call at a place that had it already is taken only where there is no other.
        """
        left = [(c, e) for c in self._calls[stage] for e in ERRORS if (stage, _what(c, e)) not in self._used]
        left = [(c, e) for c, e in left if (stage, c.name, e, c.place) not in self._seen] or left
        name = random.choice([name for name in CALLS if any(c.name == name for c, _ in left)])
        where = random.choice(sorted({c.place for c, _ in left if c.name == name}))
        call, error = random.choice([(c, e) for c, e in left if (c.name, c.place) == (name, where)])
        self._used.add((stage, _what(call, error)))
        self._seen.add((stage, call.name, error, call.place))
        return call, error


def _kinds(rows: Iterable[Mapping[str, Any]]) -> set[tuple[str, ...]]:
    """What is distinct about the faults of these lines: stage, call, error and place, not which one of such calls."""
    return {(r["changes"], *r["what"].split()[:2], r.get("place", "")) for r in rows if len(r["what"].split()) == 3}


def _what(call: Call, error: str) -> str:
    return f"{call.name} {error} {call.number}"


def summary() -> None:
    """Record the headline of all lines, the newest of each part."""
    rows = list({line["part"]: line for line in lines("fire")}.values())
    fired = [row for row in rows if "tracebacks" in row]
    faults = _kinds(fired)
    headline = {
        "kills": sum(row["what"] == "kill" for row in fired),
        "faults": len(faults),
        "tracebacks": sum(row["tracebacks"] for row in fired),
        "lost": sum(row["lost"] for row in fired),
        "corrupt": sum(row["corrupt"] > 0 for row in fired),
        "otherwise": sum(not row["same"] for row in fired),
        "found_of_200": sum(row["same"] for row in rows if row["what"].startswith("spoil")),
    }
    print(headline)
    stages = sorted({row["changes"] for row in fired})
    counted = [
        {
            "stage": stage,
            "kills": sum(row["what"] == "kill" for row in fired if row["changes"] == stage),
            "faults": sum(key[0] == stage for key in faults),
            "tracebacks": sum(row["tracebacks"] for row in fired if row["changes"] == stage),
            "lost": sum(row["lost"] for row in fired if row["changes"] == stage),
            "corrupt": sum(row["corrupt"] > 0 for row in fired if row["changes"] == stage),
            "otherwise": sum(not row["same"] for row in fired if row["changes"] == stage),
        }
        for stage in stages
    ]
    record("fire", headline=headline, rows=counted)


if __name__ == "__main__":
    main()
