"""Reading scans: damaged files, burned-in and painted names, speed beside plain pydicom, memory of a long cine.

Each part is a line of `results/ingest.csv`; `ingest.json` is made of the newest line of each.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

from parts import Row, add, lines
from pydicom.pixels.utils import iter_pixels
from record import record

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from burned_in import Looked, look_at
from dicom_files import JPEG, PLAIN, RLE, write_compressed, write_dicom
from long_cine import cine, peak_mib
from mutations import Outcome, try_mutations
from painted_names import PLACES, count, paintings

from dmr.annotate.scans.decoding.child import Decoder
from dmr.annotate.scans.text_alarm import TextAlarm

_COLUMNS: Final = ("part", "commit", "figures")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"which parts to measure: {', '.join(PARTS)} [default: all]")
    parser.add_argument("--mutations", type=int, default=5000)
    parser.add_argument("--scans", type=int, default=200)
    parser.add_argument("--frames", type=int, default=1200, help="frames of the long cine")
    args = parser.parse_args()
    for part in args.parts or PARTS:
        figures = PARTS[part](args)
        print(part, figures, flush=True)
        add("ingest", {"part": part, "figures": figures}, columns=_COLUMNS)
    newest: dict[str, Row] = {line["part"]: line for line in lines("ingest")}
    rows = [{"part": part, "measured_at": row["commit"], **row["figures"]} for part, row in newest.items()]
    headline = {key: value for row in rows for key, value in row.items() if key in HEADLINE}
    print(record("ingest", headline=headline, rows=rows))


HEADLINE: Final = (
    "tracebacks", "dead_parents", "hangs", "over_2_gib", "leaks", "leaks_uncleaned", "leaks_at_edges", "ocr_names",
    "ocr_found", "sector_blanked_most", "uncompressed_ratio", "jpeg_ratio", "rle_ratio", "long_cine_extra_mib",
)  # fmt: skip


def mutations(args: argparse.Namespace) -> Row:
    """Damaged files, 500 a process: a process that dies is counted, and the others go on."""
    total = Outcome()
    dead, peak = 0, 0
    for seed in range(-(-args.mutations // 500)):
        count = min(500, args.mutations - 500 * seed)
        command = [sys.executable, __file__, "_mutations", str(count), str(seed)]
        ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if ran.returncode != 0 or not ran.stdout.strip():
            dead += 1
            total.told.append(ran.stderr[-2000:])
            continue
        found = json.loads(ran.stdout)
        total.counts.update(found["counts"])
        total.told += found["told"]
        total.hangs += found["hangs"]
        total.slowest_s = max(total.slowest_s, found["slowest_s"])
        peak = max(peak, found["peak_mib"])
        print(seed, found, flush=True)
    for told in total.told:
        print(told, flush=True)
    return {
        "files": sum(total.counts.values()),
        "tracebacks": total.counts["traceback"],
        "dead_parents": dead,
        "hangs": total.hangs,
        "over_2_gib": int(peak > 2048),
        "read": total.counts["read"],
        "refused": total.counts["refused"],
        "slowest_s": round(total.slowest_s, 2),
        "child_peak_mib": peak,
    }


def _mutations(count: int, seed: int) -> None:
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        try_mutations(count, seed=seed, folder=Path(folder), outcome=outcome)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10  # of the largest child; on Linux in KiB
    told = {"counts": dict(outcome.counts), "told": outcome.told, "hangs": outcome.hangs}
    print(json.dumps({**told, "slowest_s": outcome.slowest_s, "peak_mib": peak}))


def burned_in(args: argparse.Namespace) -> Row:
    seen: list[Looked] = []
    for number in range(1, args.scans + 1):
        seen.append(look_at(number))
        if number % 20 == 0:
            print(f"{number} scans, {sum(s.leaks for s in seen)} leaks", flush=True)
    blanked, untagged = [s.sector_blanked for s in seen], [s for s in seen if not s.untagged_unsure]
    return {
        "scans": len(seen),
        "scanners": len({s.scanner for s in seen}),
        "leaks": sum(s.leaks for s in seen),
        "leaks_uncleaned": sum(s.leaks_uncleaned for s in seen),
        "unsure": sum(s.unsure for s in seen),
        "sector_blanked_mean": round(statistics.fmean(blanked), 5),
        "sector_blanked_most": round(max(blanked), 5),
        "untagged_leaks": sum(s.untagged_leaks for s in untagged),
        "untagged_unsure": sum(s.untagged_unsure for s in seen),
        "untagged_blanked_mean": round(statistics.fmean(s.untagged_blanked for s in seen), 5),
        "untagged_blanked_most": round(max(s.untagged_blanked for s in seen), 5),
    }


def painted(args: argparse.Namespace) -> Row:
    """Names painted at hard places, a quarter as many at each as there are scans: left, held, and blanked of the image.

    Clean frames are counted too: held, and blanked.
    """
    numbers = range(1, max(2, args.scans // 4) + 1)
    figures: Row = {}
    for tagged in (False, True):
        kind = "tagged" if tagged else "untagged"
        for place in PLACES:
            found = count(numbers, place, tagged=tagged)
            print(kind, place, found, flush=True)
            figures |= {f"{kind}_{place}_{key}": value for key, value in found.items()}
        clean = [p.clean_by(tagged=tagged, name=False) for p in paintings(numbers, "below")]
        figures |= {f"{kind}_clean": len(clean), f"{kind}_clean_held": sum(bool(c.unsure) for c in clean)}
    edges = [value for key, value in figures.items() if key.endswith("_leaks") and "_inside_" not in key]
    return {"leaks_at_edges": sum(edges), **figures}


def text_alarm(args: argparse.Namespace) -> Row:
    """How many names inside the image the text alarm finds, and how often it is wrong about clean frames."""
    alarm = TextAlarm()
    numbers = range(1, max(2, args.scans // 4) + 1)
    found = []
    for p in paintings(numbers, "inside"):
        shown = [p.clean_by(tagged=False, name=name).clean(f[0]) for name, f in ((True, p.frames), (False, p.clean))]
        found.append([alarm.finds_text(pixels) for pixels in shown])
    with_name, without = zip(*found, strict=True)
    return {"ocr_names": len(found), "ocr_found": sum(with_name), "ocr_clean_flagged": sum(without)}


def speed(_: argparse.Namespace) -> Row:
    """Frames a second of a decoder and of pydicom's own iterator, by turns, the best of five each.

    `fps` and `ratio` count from the first frame on: decoding alone. `from_file_ratio` counts from the beginning: it has
    the SHA-256 of the whole file too, which pydicom does not compute. The child process is running already.
    """
    grey = cine(300)
    figures: Row = {}
    with tempfile.TemporaryDirectory() as name, Decoder() as decoder:
        for kind, syntax in (("uncompressed", PLAIN), ("jpeg", JPEG), ("rle", RLE)):
            path = Path(name) / f"{kind}.dcm"
            if syntax == PLAIN:
                write_dicom(path, grey)
            else:
                write_compressed(path, grey, syntax=syntax)
            plain = partial(iter_pixels, decoding_plugin="pillow" if syntax == JPEG else "")  # its fastest
            ours, theirs = [], []
            for _turn in range(5):
                ours.append(_seconds(decoder.frames(path)))
                theirs.append(_seconds(plain(path)))
            (whole, frames), (whole_plain, frames_plain) = (
                map(min, zip(*turns, strict=True)) for turns in (ours, theirs)
            )
            figures[f"{kind}_fps"] = round((len(grey) - 1) / frames)
            figures[f"{kind}_pydicom_fps"] = round((len(grey) - 1) / frames_plain)
            figures[f"{kind}_ratio"] = round(frames_plain / frames, 2)
            figures[f"{kind}_from_file_ratio"] = round(whole_plain / whole, 2)
    return figures


def _seconds(frames: Iterable[object]) -> tuple[float, float]:
    """The time for all frames, and from the first one on."""
    began = time.perf_counter()
    given = iter(frames)
    next(given)
    first = time.perf_counter()
    for _ in given:
        pass
    ended = time.perf_counter()
    return ended - began, ended - first


def memory(args: argparse.Namespace) -> Row:
    """Peak memory of `dmr ingest` and its child together, for one frame and for a long cine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peaks = {}
        for frames in (1, args.frames):
            write_dicom(folder / f"{frames}.dcm", cine(frames), FrameTime="50")
            peaks[frames] = peak_mib(folder, f"ws{frames}", folder / f"{frames}.dcm")
    extra = peaks[args.frames] - peaks[1]
    return {"frames": args.frames, "one_mib": peaks[1], "long_mib": peaks[args.frames], "long_cine_extra_mib": extra}


PARTS: Final[dict[str, Callable[[argparse.Namespace], dict[str, Any]]]] = {
    "mutations": mutations,
    "burned-in": burned_in,
    "painted": painted,
    "ocr": text_alarm,
    "speed": speed,
    "memory": memory,
}


if __name__ == "__main__":
    if sys.argv[1:2] == ["_mutations"]:
        _mutations(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
