"""Long work tells how far it is: a line a minute where nobody watches a terminal, and bars that fit where one does."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from dmr.annotate import console
from dmr.annotate.progress import heartbeat
from dmr.annotate.progress.bars import Bars
from dmr.annotate.progress.heartbeat import EVERY_S, Heartbeat
from dmr.annotate.progress.pace import WINDOW_S, Share, duration, per_time
from dmr.annotate.progress.parts import Parts

WHOLE = Share(10_000)


class Clock:
    """Tells the time that it is set to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Log:
    """What a log shows of some work, second by second."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.parts = Parts(clock=self.clock)
        self.heart = Heartbeat(self.parts, io.StringIO())
        self.lines: list[tuple[int, str]] = []

    def run(self, seconds: int, work: Callable[[int], None] = lambda _: None) -> None:
        for second in range(seconds):
            self.clock.now += 1
            work(second)
            if (line := self.heart.due()) is not None:
                self.lines.append((round(self.clock.now - 1000), line))


def test_a_short_command_stays_quiet_and_a_long_one_speaks_every_minute() -> None:
    log = Log()
    log.run(600, lambda _: log.parts.tell("Importing", 1, 1200))
    times = [second for second, _ in log.lines]

    assert times[0] == 10
    assert all(b - a == EVERY_S for a, b in pairwise(times))
    assert log.lines[1][1] == "Importing: 70 of 1,200 (5 %), 1 min gone, about 19 min left"


def test_a_command_that_tells_nothing_is_known_to_live() -> None:
    log = Log()
    log.run(75)
    assert log.lines == [
        (10, "Working: 10 s gone, time left unknown"),
        (70, "Working: 1 min gone, time left unknown"),
    ]


def test_a_part_that_stands_still_is_told_so_and_its_time_left_grows() -> None:
    log = Log()
    log.run(70, lambda _: log.parts.tell("Training", 2, 600))
    log.run(120)

    assert log.lines[-1][1] == (
        "Training: still at 140 of 600 (23 %), nothing new for 2 min, 3 min gone, about 10 min left"
    )


def test_where_no_total_is_known_the_pace_is_told() -> None:
    log = Log()
    log.run(70, lambda _: log.parts.tell("Reading scans", 12, None))
    assert log.lines[-1][1] == "Reading scans: 840 done, 1 min gone, 12 a second, time left unknown"


def test_a_share_is_told_in_percents_with_its_note_and_never_100_before_the_end() -> None:
    log = Log()
    dice = "step 120 of 600, loss 0.812, Dice 0.412, best 0.430"
    log.run(70, lambda _: log.parts.tell("Training", 100, WHOLE, dice))
    assert log.lines[-1][1] == f"Training: 70 %, 1 min gone, about 30 s left, {dice}"
    log.parts.tell("Training", 2999, WHOLE, dice)
    assert log.parts.all["Training"].percent == "99 %"


def test_a_training_that_goes_on_is_timed_from_where_this_sitting_began() -> None:
    log = Log()
    log.parts.tell("Training", 8000, WHOLE)  # by the first step: what earlier sittings did
    log.run(100, lambda _: log.parts.tell("Training", 10, WHOLE))
    assert log.parts.all["Training"].left(log.clock.now) == "about 2 min left"


def test_the_pace_is_that_of_the_last_minutes() -> None:
    log = Log()
    log.run(100, lambda _: log.parts.tell("Training", 10, WHOLE))
    log.run(int(WINDOW_S) + 10, lambda _: log.parts.tell("Training", 1, WHOLE))
    assert log.parts.all["Training"].pace(log.clock.now) == pytest.approx(1, rel=0.05)


def test_the_next_part_is_told_when_it_takes_long_and_short_ones_are_not() -> None:
    log = Log()
    for name in ("Importing", "Looking for near-copies", "Writing", "Training"):
        seconds = 60 if name == "Training" else 8
        log.run(seconds, lambda _, name=name: log.parts.tell(name, 1, 60))  # type: ignore[misc]

    assert [(second, line.split(":")[0]) for second, line in log.lines] == [
        (10, "Looking for near-copies"),
        (35, "Training"),
    ]


def test_parts_that_take_turns_do_not_flood_the_log() -> None:
    log = Log()
    log.run(600, lambda second: log.parts.tell("Reading" if second % 2 else "Judging", 1, None))
    assert len(log.lines) <= 600 / EVERY_S + 2


def test_after_a_part_is_done_the_command_is_known_to_be_at_work_and_it_may_begin_anew() -> None:
    log = Log()
    log.run(70, lambda _: log.parts.tell("Sending drafts", 10, 700))
    log.run(60)
    assert log.lines[-1][1] == "Sending drafts: 700 of 700 (100 %), done 1 min ago, the command is still at work"
    log.parts.tell("Sending drafts", 0, 50)
    assert log.parts.all["Sending drafts"].count() == "0 of 50 (0 %)"


def test_more_than_was_said_is_a_count_without_a_total() -> None:
    parts = Parts(clock=Clock())
    parts.tell("Reading scans", 64, 3)
    assert parts.all["Reading scans"].count() == "64 done"
    parts.tell("Sending", 0, 0)
    assert parts.all["Sending"].count() == "0 of 0 (100 %)"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (960, "16 min"),
        (3600, "1 h"),
        (4800, "1 h 20 min"),
        (3e5, "3 days"),
    ],
)
def test_times_are_said_as_a_person_says_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("pace", "words"), [(12.3, "12 a second"), (0.2, "12 a minute"), (0.002, "7 an hour")])
def test_a_pace_is_said_in_a_number_above_one(pace: float, words: str) -> None:
    assert per_time(pace) == words


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("FIRST_S", 0.05), ("EVERY_S", 0.1), ("_LOOK_S", 0.01)):
        monkeypatch.setattr(heartbeat, name, seconds)


@pytest.mark.usefixtures("hasty")
def test_lines_come_while_one_step_takes_long_go_to_stderr_and_end_with_the_work() -> None:
    @click.command()
    def slow() -> None:
        with console.progress() as tell:
            tell("Zeichnen \N{WHITE HEAVY CHECK MARK}", 1, 10, "Dice 0.5")
            time.sleep(0.5)
        click.echo("the end", err=True)
        click.echo('{"json": true}')
        time.sleep(0.2)

    result = CliRunner().invoke(slow)
    told = result.stderr.splitlines()

    assert result.stdout == '{"json": true}\n'
    assert told[-1] == "the end"
    assert len(told) >= 3
    assert all(line.startswith("Zeichnen") and line.endswith("Dice 0.5") for line in told[:-1])
    assert not any(thread.name == "heartbeat" for thread in threading.enumerate())


@pytest.mark.usefixtures("hasty")
def test_no_line_comes_after_an_error_and_the_error_goes_through() -> None:
    def fail() -> None:
        with console.progress():
            time.sleep(0.2)
            raise KeyError("work")

    with pytest.raises(KeyError, match="work"):
        fail()
    assert not any(thread.name == "heartbeat" for thread in threading.enumerate())


def test_what_a_console_cannot_show_or_nobody_reads_stops_no_work() -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    heart = Heartbeat(Parts(), narrow)
    assert heart._write("\N{CYRILLIC SMALL LETTER ZHE}: 1 of 2")
    assert narrow.buffer.getvalue() == b"?: 1 of 2" + b"\n"
    narrow.close()
    assert not heart._write("to nobody")


def test_a_pipe_gets_plain_lines_at_once_from_a_process_that_is_in_one_long_step() -> None:
    program = (
        "import time\n"
        "from dmr.annotate import console\nfrom dmr.annotate.progress import heartbeat\n"
        "heartbeat.FIRST_S = 0.1\n"
        "with console.progress() as tell:\n"
        "    tell('Training', 30, 600, 'loss 0.8, Dice 0.4')\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, encoding="utf-8") as run:
        assert run.stderr is not None
        line = run.stderr.readline()
        run.kill()
    assert line.startswith("Training: 30 of 600 (5 %), ")
    assert line.endswith(" gone, time left unknown, loss 0.8, Dice 0.4\n")


def drawn(width: int) -> list[str]:
    """The lines of a training in a terminal, four minutes after it began."""
    clock = Clock()
    parts = Parts(clock=clock)
    parts.tell("Looking for edits", 0, None)
    clock.now += 3
    note = "step 120 of 600, loss 0.812, Dice 0.412, best 0.430, psoas_major 0.55, lumbar_plexus 0.21"
    parts.tell("Training", 0, WHOLE, note)
    clock.now += 240
    parts.tell("Training", 2000, WHOLE, note)
    shown = io.StringIO()
    Console(file=shown, width=width, force_terminal=True, color_system=None).print(Bars(parts), end="")
    return shown.getvalue().splitlines()


@pytest.mark.parametrize("width", [200, 120, 80, 60, 40, 30])
def test_in_a_narrow_terminal_each_part_is_one_line_with_its_name_percents_and_time_left(width: int) -> None:
    lines = drawn(width)

    assert len(lines) == 2
    assert all(len(line) <= width for line in lines)
    assert lines[1].startswith("Train")
    assert "20 %  16 min left" in lines[1]


def test_with_more_room_come_the_bar_and_the_note() -> None:
    assert "\N{BOX DRAWINGS HEAVY HORIZONTAL}" not in drawn(40)[1]
    assert "step 120 of 600, loss" in drawn(80)[1]
    assert "\N{BOX DRAWINGS HEAVY HORIZONTAL}" in drawn(80)[1]
    assert drawn(200)[1].rstrip().endswith("lumbar_plexus 0.21")
