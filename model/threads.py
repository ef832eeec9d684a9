"""How many processor threads the network takes: chosen by measuring, for other programs run beside it."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import torch
import torch.nn.functional as F

from .device import autocast

TRY_S: Final = 0.2  # a try takes this long at most, however busy the processor is
SHARE: Final = 0.03  # of the time, at most, goes into tries
ROUNDS: Final = 12  # of the work a try; about 10 ms on an idle processor
GIVE_UP: Final = 3.0  # times the rounds of the count in use: a try that takes longer has lost
LOST: Final = 1.5  # times as slow: such a count is tried half as often each time that it loses again
LONGEST_WAIT_S: Final = 120.0
WORTH_IT: Final = 1.1  # another count has to be faster by this much, or tries would flicker
REMEMBERED: Final = 3  # tries of a count, of which the median counts: a single one may meet a lull
CHANGED: Final = 1.5  # a step that takes this much longer or shorter than the last ones calls for a try

Measure = Callable[[int, float], float]
"""Threads, and seconds at most -> seconds a round."""


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
    def __call__(self, threads: int, limit_s: float) -> float:
        """Seconds a round with so many threads; given up after `limit_s`."""
        torch.set_num_threads(threads)
        self._round()  # threads are made and kernels are built outside of what is measured
        began, done, elapsed = time.perf_counter(), 0, 0.0
        while done < ROUNDS and elapsed <= limit_s:
            self._round()
            done, elapsed = done + 1, time.perf_counter() - began
        return elapsed / done

    def _round(self) -> None:
        with autocast(torch.device("cpu")):
            features = F.conv2d(self._frames, self._kernel, padding=1)
        features.float().relu_().mean((2, 3)).sum().item()


@dataclass(slots=True)
class _Candidate:
    """What is known of one number of threads."""

    threads: int
    tries: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    wait_s: float = 0.0
    due: float = 0.0

    @property
    def pace(self) -> float:
        """Seconds a round."""
        return median(self.tries) if self.tries else math.inf


class ThreadChoice:
    """Chooses among numbers of threads while work goes on.

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
        self._chosen = self._candidates[0]
        self._next = 0.0
        self._last_call: float | None = None
        self._steps: deque[float] = deque(maxlen=5)
        self.spent_s = 0.0

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of threads to choose from."""
        return tuple(c.threads for c in self._candidates)

    @property
    def chosen(self) -> int:
        """The number of threads that is used now."""
        return self._chosen.threads

    def __call__(self) -> int:
        """Call before each step, in the thread that computes it: measures where that is due, and sets torch's threads.

        Returns:
            The number of threads.
        """
        now = self._clock()
        if len(self._candidates) > 1:
            if self._last_call is None:
                self._try(self._candidates)
            elif now >= self._next and (others := self._others(now)):
                self._try([self._chosen, others[0]])
            self._watch(now)
            self._last_call = self._clock()
        torch.set_num_threads(self.chosen)
        return self.chosen

    def _others(self, now: float) -> list[_Candidate]:
        due = [c for c in self._candidates if c is not self._chosen and c.due <= now]
        return sorted(due, key=lambda c: c.due)

    def _watch(self, now: float) -> None:
        """Other programs came or went if a step takes much longer or shorter: what lost before may win now."""
        if self._last_call is None:
            return
        step = now - self._last_call
        if self._steps:
            usual = median(self._steps)
            if not usual / CHANGED <= step <= usual * CHANGED:
                for candidate in self._candidates:
                    candidate.due = now
        self._steps.append(step)

    def _try(self, candidates: Sequence[_Candidate]) -> None:
        if self._measure is None:
            self._measure = Work()
        began = self._clock()
        limit = TRY_S / 2
        for candidate in candidates:
            pace = self._measure(candidate.threads, limit)
            candidate.tries.append(pace)
            limit = min(limit, GIVE_UP * ROUNDS * pace)
        best = min(self._candidates, key=lambda c: c.pace * (1.0 if c is self._chosen else WORTH_IT))
        if best is not self._chosen:
            self._chosen = best
            self._steps.clear()
        now = self._clock()
        took = now - began
        self.spent_s += took
        self._next = now + took / SHARE
        for candidate in candidates:
            if candidate is self._chosen:
                candidate.wait_s = 0.0
            elif candidate.tries[-1] > LOST * self._chosen.pace:
                candidate.wait_s = min(max(2 * candidate.wait_s, took / SHARE), LONGEST_WAIT_S)
            else:
                candidate.wait_s = 0.0
            candidate.due = now + candidate.wait_s


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
    fixed = count or _asked_for()
    _OF_PROCESS.choose_among([fixed] if fixed else counts_to_try(granted_threads()))


def thread_choice() -> ThreadChoice:
    """The choice of this process: torch's setting is the process's, too."""
    return _OF_PROCESS


def _asked_for() -> int | None:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else None


_OF_PROCESS: Final = ThreadChoice([1])
set_thread_count(None)
