"""Choose the number of processor threads by measuring, because other programs run too."""

from __future__ import annotations

import functools
import math
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F

from .device import autocast

TRY_S: Final = 0.2  # seconds: the longest try, however busy the processor is
SHARE: Final = 0.03  # largest share of the time for tries, and again for trial steps that were slower
ROUNDS: Final = 400  # rounds of work in a try: about 0.1 s on an idle processor; a shorter try may hit a quiet moment
GIVE_UP: Final = 3.0  # a try is given up when it takes this many times as long as one before it
FREE: Final = 0.8  # a thread that gets less than this share of a core shows that no core is free for more threads
PLAUSIBLE: Final = 1.5  # a count that is up to this many times slower in a try still gets a trial step
WORTH_IT: Final = 1.1  # a count must be this many times faster to be chosen, or the choice would flicker
LONGEST_WAIT_S: Final = 120.0  # seconds between trials of a count that keeps losing
REMEMBERED: Final = 3  # steps of a count that are kept; their median counts
CHANGED: Final = 1.5  # if a step takes this many times longer or shorter than before, all counts are tried again


class Try(NamedTuple):
    """The result of a try.

    Attributes:
        round_s: Seconds a round.
        share: Share of the time in which this thread had a core, 0 to 1; other programs had it for the rest.
    """

    round_s: float
    share: float


Measure = Callable[[int, float], Try]
"""Does a try; takes the number of threads and the most seconds."""


class Work:
    """A small fixed piece of work that is divided like a training step.

    It has many short parallel parts with a little serial work between them. If other programs use a core, each part
    waits for that core, and so two threads can be slower than one.
    """

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        frames = torch.randn(4, 32, 32, 32, generator=generator)
        self._frames = frames.to(memory_format=torch.channels_last)
        self._kernel = torch.randn(32, 32, 3, 3, generator=generator)

    @torch.no_grad()
    def __call__(self, threads: int, limit_s: float) -> Try:
        """Do the work with `threads` threads; give up after `limit_s` seconds."""
        torch.set_num_threads(threads)
        self._round()  # before measuring, because it also makes threads and builds kernels
        own, began, done, elapsed = time.thread_time(), time.perf_counter(), 0, 0.0
        while done < ROUNDS and elapsed <= limit_s:
            self._round()
            done, elapsed = done + 1, time.perf_counter() - began
        return Try(elapsed / done, (time.thread_time() - own) / elapsed)

    def _round(self) -> None:
        with autocast(torch.device("cpu")):
            features = F.conv2d(self._frames, self._kernel, padding=1)
        features.float().relu_().mean((2, 3)).sum().item()


@dataclass(slots=True)
class _Candidate:
    """What is known about one number of threads."""

    threads: int
    steps: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))  # seconds of the last steps
    seen: float = 0.0  # when the last step was done
    wait_s: float = 0.0
    due: float = 0.0

    @property
    def step_s(self) -> float:
        """Seconds a step; infinite if no step was done."""
        return median(self.steps) if self.steps else math.inf


class ThreadChoice:
    """Chooses the number of threads during the work, by how long the steps take with each number.

    Another number is first tried on a small piece of work. Only if that is not hopelessly slow does it get a step of
    the real work, which decides. The reason: with too many threads on a busy processor a step may take minutes.

    Args:
        counts: The numbers to choose from, ascending. With a single one there is nothing to choose.
        measure: Does a try.
        clock: Gives the time in seconds.
    """

    def __init__(
        self, counts: Sequence[int], *, measure: Measure | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._measure = measure
        self._clock = clock
        self.choose_among(counts)

    def choose_among(self, counts: Sequence[int]) -> None:
        """Start again with other numbers."""
        self._candidates = [_Candidate(n) for n in counts]
        self._chosen = self._running = self._candidates[0]
        self._next = 0.0  # when the next try may be
        self._began: float | None = None  # when the first try began
        self._since: float | None = None  # when the current step began
        self._kind = ""
        self.spent_s = 0.0

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of threads to choose from."""
        return tuple(c.threads for c in self._candidates)

    @property
    def chosen(self) -> int:
        """The number of threads that has won so far."""
        return self._chosen.threads

    def __call__(self, kind: str = "") -> int:
        """Set torch's threads; call it before each step, in the thread that computes the step.

        Args:
            kind: The kind of step; steps of different kinds are not compared.

        Returns:
            The number of threads for this step.
        """
        if len(self._candidates) > 1:
            now = self._clock()
            if self._since is None:
                self._first_tries()
            else:
                self._learn(now, now - self._since, kind)
                self._running = self._next_trial(now) or self._chosen
            self._kind = kind
        torch.set_num_threads(self._running.threads)
        self._since = self._clock()
        return self._running.threads

    def _first_tries(self) -> None:
        """Start with the number that is fastest in a try; others that are not hopeless get a trial step after it."""
        tries = self._try(self._candidates)
        hopeful = [c for c in self._candidates if not self._is_hopeless(c, self._candidates[0], tries)]
        self._chosen = self._running = min(hopeful, key=lambda c: tries[c.threads].round_s)
        for candidate in self._candidates:
            if self._is_hopeless(candidate, self._chosen, tries):
                self._put_off(candidate, self._clock(), lost_s=0.0)

    def _learn(self, now: float, step_s: float, kind: str) -> None:
        """Learn from a finished step; it may change the choice."""
        if kind != self._kind:  # it was the last step of its kind, so it says nothing about the next ones
            for candidate in self._candidates:
                candidate.steps.clear()
            return
        running, chosen = self._running, self._chosen
        usual = running.step_s
        running.steps.append(step_s)
        running.seen = now
        if usual < math.inf and not usual / CHANGED <= step_s <= usual * CHANGED:
            for candidate in self._candidates:  # other programs came or went: a number that lost may win now
                candidate.due = now
        if running is not chosen:
            if running.step_s * WORTH_IT < chosen.step_s:
                self._chosen, running.wait_s = running, 0.0
            else:
                self._put_off(running, now, lost_s=step_s - chosen.step_s)
            return
        rival = min(self._candidates, key=lambda c: c.step_s if now - c.seen < LONGEST_WAIT_S else math.inf)
        if rival.step_s * WORTH_IT < chosen.step_s:
            self._put_off(chosen, now, lost_s=chosen.step_s - rival.step_s)
            self._chosen, rival.wait_s = rival, 0.0

    def _next_trial(self, now: float) -> _Candidate | None:
        """The number to try in the next step; None for no trial."""
        due = [c for c in self._candidates if c is not self._chosen and c.due <= now]
        if not due or not self._chosen.steps:
            return None
        other = min(due, key=lambda c: c.due)
        if other.due:  # at the very start all were just tried
            if now < self._next:
                return None
            if self._is_hopeless(other, self._chosen, self._try([self._chosen, other])):
                self._put_off(other, self._clock(), lost_s=0.0)
                return None
        other.steps.clear()  # they are too old
        return other

    @staticmethod
    def _is_hopeless(other: _Candidate, chosen: _Candidate, tries: dict[int, Try]) -> bool:
        """Whether a number is so surely slower that it needs no trial step.

        A larger number is hopeless if even the chosen number did not have its cores for itself. Each part of a step
        waits for the slowest thread, and a good try may be luck.
        """
        own, its = tries[chosen.threads], tries[other.threads]
        return its.round_s > PLAUSIBLE * own.round_s or (other.threads > chosen.threads and own.share < FREE)

    def _put_off(self, candidate: _Candidate, now: float, *, lost_s: float) -> None:
        """Wait before the next trial: longer, the more often the number lost and the more time that cost."""
        candidate.wait_s = min(2 * candidate.wait_s + 1.0, LONGEST_WAIT_S)
        candidate.due = now + max(candidate.wait_s, lost_s / SHARE)

    def _try(self, candidates: Sequence[_Candidate]) -> dict[int, Try]:
        """Try these numbers; returns the results by number of threads."""
        if self._measure is None:
            self._measure = Work()
        self._began = self._clock() if self._began is None else self._began
        began, limit, tries = self._clock(), TRY_S, {}
        for candidate in candidates:
            tries[candidate.threads] = done = self._measure(candidate.threads, limit)
            limit = min(limit, GIVE_UP * ROUNDS * done.round_s)
        now = self._clock()
        self.spent_s += now - began
        self._next = self._began + (self.spent_s + now - began) / SHARE  # when a try as long is within SHARE
        return tries


def granted_threads() -> int:
    """The number of cores that this process may use. torch counts all cores, even if a container grants fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_threads(count: int | None = None) -> int:
    """Set torch's threads to `count`, else to `OMP_NUM_THREADS`, else to the cores granted; returns the number."""
    torch.set_num_threads(count or _asked_for() or granted_threads())
    return torch.get_num_threads()


def counts_to_try(most: int) -> list[int]:
    """1, `most`, and the powers of two between them."""
    return sorted({1, most, *(2**k for k in range(1, most.bit_length()) if 2**k < most)})


def set_thread_count(count: int | None) -> None:
    """Compute with `count` threads from now on; None for `OMP_NUM_THREADS`, or else for what measuring shows."""
    thread_choice().choose_among(_counts(count))


@functools.cache
def thread_choice() -> ThreadChoice:
    """The process's one `ThreadChoice`, because torch's setting holds for the whole process too."""
    return ThreadChoice(_counts(None))


def _counts(count: int | None) -> list[int]:
    """The numbers to choose from."""
    fixed = count or _asked_for()
    return [fixed] if fixed else counts_to_try(granted_threads())


def _asked_for() -> int | None:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else None
