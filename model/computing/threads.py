"""How many processor threads the network takes: chosen by measuring, for other programs run beside it."""

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

TRY_S: Final = 0.2  # a try takes this long at most, however busy the processor is
SHARE: Final = 0.03  # of the time, at most, goes into tries, and as much into trial steps that lost
ROUNDS: Final = 400  # of the work a try; about 0.1 s on an idle processor, for a shorter one may fall into a lull
GIVE_UP: Final = 3.0  # times the rounds of the count in use: a try that takes longer has lost
FREE: Final = 0.8  # share of a core that one thread gets, at least, where a core is free for more of them
PLAUSIBLE: Final = 1.5  # times as slow in a try: such a count gets a trial step all the same, slower ones do not
WORTH_IT: Final = 1.1  # a step has to be faster by this much, or the choice would flicker
LONGEST_WAIT_S: Final = 120.0  # between trials of a count that keeps losing
REMEMBERED: Final = 3  # steps of a count, of which the median counts
CHANGED: Final = 1.5  # a step that takes this much longer or shorter than the last ones calls for a new look


class Try(NamedTuple):
    """How a piece of work went.

    Attributes:
        round_s: Seconds a round.
        share: Of that time, how much this thread had a core for itself, 0 to 1; the rest other programs had.
    """

    round_s: float
    share: float


Measure = Callable[[int, float], Try]
"""Threads, and seconds at most -> how a piece of work went."""


class Work:
    """A small fixed piece of work that is cut up like a training step.

    Many short parallel parts with a little serial work between them: where other programs hold a core, each part waits
    until they let go of it, and that is what makes two threads slower than one.
    """

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        frames = torch.randn(4, 32, 32, 32, generator=generator)
        self._frames = frames.to(memory_format=torch.channels_last)
        self._kernel = torch.randn(32, 32, 3, 3, generator=generator)

    @torch.no_grad()
    def __call__(self, threads: int, limit_s: float) -> Try:
        """Do it with so many threads; given up after `limit_s`."""
        torch.set_num_threads(threads)
        self._round()  # threads are made and kernels are built outside of what is measured
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
    """What is known of one number of threads."""

    threads: int
    steps: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))  # seconds of the last ones
    seen: float = 0.0  # when the last of them was done
    wait_s: float = 0.0
    due: float = 0.0

    @property
    def step_s(self) -> float:
        """Seconds a step; infinite where none was done."""
        return median(self.steps) if self.steps else math.inf


class ThreadChoice:
    """Chooses among numbers of threads while work goes on, by how long the steps of the work take with each.

    A count that is not in use is tried on a small piece of work first. Only where that is not hopeless does it get a
    step of the real work, which decides: a step with too many threads on a busy processor may take minutes.

    Args:
        counts: To choose from, ascending; with one there is nothing to choose.
        measure: Does a piece of work and tells its pace.
        clock: Seconds.
    """

    def __init__(
        self, counts: Sequence[int], *, measure: Measure | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._measure = measure
        self._clock = clock
        self.choose_among(counts)

    def choose_among(self, counts: Sequence[int]) -> None:
        """Begin anew with other numbers."""
        self._candidates = [_Candidate(n) for n in counts]
        self._chosen = self._running = self._candidates[0]
        self._next = 0.0  # when the next try may be
        self._began: float | None = None  # when the first try began
        self._since: float | None = None  # when the step that is being done began
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
        """Call before each step, in the thread that computes it: sets torch's threads.

        Args:
            kind: Of step; steps of different kinds are not compared.

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
        """Begin with what is fastest on the piece of work; the others that are not hopeless get a step each, then."""
        tries = self._try(self._candidates)
        hopeful = [c for c in self._candidates if not self._is_hopeless(c, self._candidates[0], tries)]
        self._chosen = self._running = min(hopeful, key=lambda c: tries[c.threads].round_s)
        for candidate in self._candidates:
            if self._is_hopeless(candidate, self._chosen, tries):
                self._put_off(candidate, self._clock(), lost_s=0.0)

    def _learn(self, now: float, step_s: float, kind: str) -> None:
        """A step is done: does it change the choice?"""
        if kind != self._kind:  # the step was the last of its kind, and says nothing of the ones to come
            for candidate in self._candidates:
                candidate.steps.clear()
            return
        running, chosen = self._running, self._chosen
        usual = running.step_s
        running.steps.append(step_s)
        running.seen = now
        if usual < math.inf and not usual / CHANGED <= step_s <= usual * CHANGED:
            for candidate in self._candidates:  # other programs came or went: what lost before may win now
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
        """A count to do the next step with, for a trial."""
        due = [c for c in self._candidates if c is not self._chosen and c.due <= now]
        if not due or not self._chosen.steps:
            return None
        other = min(due, key=lambda c: c.due)
        if other.due:  # at the very start all were tried just now
            if now < self._next:
                return None
            if self._is_hopeless(other, self._chosen, self._try([self._chosen, other])):
                self._put_off(other, self._clock(), lost_s=0.0)
                return None
        other.steps.clear()  # of another time
        return other

    @staticmethod
    def _is_hopeless(other: _Candidate, chosen: _Candidate, tries: dict[int, Try]) -> bool:
        """Whether no step needs to be done to know that a count is the slower one.

        More threads are, where not even the chosen ones had their cores for themselves: each of a step's parts waits
        for the thread that is held up longest, and a try may be lucky.
        """
        own, its = tries[chosen.threads], tries[other.threads]
        return its.round_s > PLAUSIBLE * own.round_s or (other.threads > chosen.threads and own.share < FREE)

    def _put_off(self, candidate: _Candidate, now: float, *, lost_s: float) -> None:
        """Wait with the next trial, the longer the more often it lost and the more time that cost."""
        candidate.wait_s = min(2 * candidate.wait_s + 1.0, LONGEST_WAIT_S)
        candidate.due = now + max(candidate.wait_s, lost_s / SHARE)

    def _try(self, candidates: Sequence[_Candidate]) -> dict[int, Try]:
        """How the piece of work goes, by the number of threads."""
        if self._measure is None:
            self._measure = Work()
        self._began = self._clock() if self._began is None else self._began
        began, limit, tries = self._clock(), TRY_S, {}
        for candidate in candidates:
            tries[candidate.threads] = done = self._measure(candidate.threads, limit)
            limit = min(limit, GIVE_UP * ROUNDS * done.round_s)
        now = self._clock()
        self.spent_s += now - began
        self._next = self._began + (self.spent_s + now - began) / SHARE  # when another one as long has its share
        return tries


def granted_threads() -> int:
    """The cores that this process may use; torch alone counts the machine's, also where a container grants fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_threads(count: int | None = None) -> int:
    """Fix torch's threads: `count`, else `OMP_NUM_THREADS`, else the cores granted."""
    torch.set_num_threads(count or _asked_for() or granted_threads())
    return torch.get_num_threads()


def counts_to_try(most: int) -> list[int]:
    """One thread, all of them, and the powers of two between."""
    return sorted({1, most, *(2**k for k in range(1, most.bit_length()) if 2**k < most)})


def set_thread_count(count: int | None) -> None:
    """From here on this process computes with `count` threads; None: with `OMP_NUM_THREADS`, or as measuring shows."""
    thread_choice().choose_among(_counts(count))


@functools.cache
def thread_choice() -> ThreadChoice:
    """The choice of this process: torch's setting is the process's, too. Made when first asked for."""
    return ThreadChoice(_counts(None))


def _counts(count: int | None) -> list[int]:
    """What may be chosen from."""
    fixed = count or _asked_for()
    return [fixed] if fixed else counts_to_try(granted_threads())


def _asked_for() -> int | None:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else None
