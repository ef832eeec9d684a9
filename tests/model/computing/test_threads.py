"""The number of threads is chosen by measuring: on a simulated processor, whose other programs come and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dmr.model.computing.options import computing_options
from dmr.model.computing.threads import (
    PLAUSIBLE,
    ROUNDS,
    SHARE,
    TRY_S,
    WORTH_IT,
    ThreadChoice,
    Try,
    Work,
    counts_to_try,
    set_thread_count,
    thread_choice,
)


@dataclass
class Processor:
    """Simulated: how long a round takes with each number of threads, and a clock that runs while it works."""

    pace: dict[int, float]
    tries: dict[int, float] | None = None  # how long it takes in a try, where that misleads
    share: float = 1.0  # of a core that one thread gets
    now: float = 100.0
    measured: int = 0
    longest: float = 0.0

    def measure(self, threads: int, limit_s: float) -> Try:
        took, done, pace = 0.0, 0, (self.tries or self.pace)[threads]
        while done < ROUNDS and took <= limit_s:
            took += pace
            done += 1
        self.now += took
        self.measured += 1
        self.longest = max(self.longest, took - pace)
        return Try(took / done, self.share)

    def step(self, choice: ThreadChoice, rounds: int = 200, kind: str = "") -> float:
        """A step of so many rounds; seconds, the choosing included."""
        began = self.now
        threads = choice(kind)
        self.now += rounds * self.pace[threads]
        return self.now - began

    def step_with(self, choice: ThreadChoice) -> int:
        """A step; the number of threads that it was done with."""
        threads = choice()
        self.now += 200 * self.pace[threads]
        return threads


@pytest.fixture(autouse=True)
def torch_as_it_was() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    set_thread_count(None)


def choice_on(processor: Processor) -> ThreadChoice:
    return ThreadChoice(sorted(processor.pace), measure=processor.measure, clock=lambda: processor.now)


def test_an_idle_processor_is_used_whole_and_a_busy_one_with_one_thread() -> None:
    idle, busy = Processor({1: 1e-3, 2: 0.6e-3}), Processor({1: 2e-3, 2: 40e-3})
    assert choice_on(idle)() == 2
    assert choice_on(busy)() == 1


def test_the_choice_follows_programs_that_come_and_go() -> None:
    processor = Processor({1: 1e-3, 2: 0.6e-3})
    choice = choice_on(processor)
    for _ in range(50):
        processor.step(choice)
    assert choice.chosen == 2
    processor.pace = {1: 2e-3, 2: 30e-3}
    slow = [processor.step(choice) for _ in range(20)]
    assert choice.chosen == 1
    assert sum(took > 2 for took in slow) <= 4, "steps with the setting that lost"
    processor.pace = {1: 1e-3, 2: 0.6e-3}
    for _ in range(100):
        processor.step(choice)
    assert choice.chosen == 2


@given(one=st.floats(2e-4, 0.02), ratio=st.floats(0.3, 100), steps=st.integers(30, 400), rounds=st.integers(100, 2000))
def test_a_step_takes_hardly_more_than_with_the_better_setting_and_tries_cost_their_share(
    one: float, ratio: float, steps: int, rounds: int
) -> None:
    processor = Processor({1: one, 2: one * ratio})
    choice = choice_on(processor)
    began = processor.now
    choice()
    start = choice.spent_s
    for _ in range(steps):
        processor.step(choice, rounds)
    elapsed = processor.now - began
    assert choice.spent_s <= start + SHARE * elapsed + 2 * TRY_S + one * (1 + ratio)
    best = rounds * min(processor.pace.values())
    trial = rounds * max(processor.pace.values()) if max(ratio, 1 / ratio) <= PLAUSIBLE else 0.0
    assert elapsed - choice.spent_s <= WORTH_IT * steps * best + 3 * trial + 2 * SHARE * elapsed + 1e-6
    assert processor.longest <= TRY_S, "no try goes on after its limit, but for the round that it is in"


def test_steps_decide_where_the_piece_of_work_misleads() -> None:
    processor = Processor({1: 1e-3, 2: 1.3e-3}, tries={1: 1e-3, 2: 0.8e-3})
    choice = choice_on(processor)
    threads = [processor.step_with(choice) for _ in range(200)]
    assert choice.chosen == 1
    assert threads.count(2) < 10, "trials of what lost get rare"


def test_a_lucky_try_on_a_busy_processor_gets_no_step() -> None:
    processor = Processor({1: 2e-3, 2: 200e-3}, tries={1: 2e-3, 2: 1e-3}, share=0.4)
    choice = choice_on(processor)
    assert {processor.step_with(choice) for _ in range(200)} == {1}


def test_steps_of_different_kinds_are_not_compared() -> None:
    processor = Processor({1: 1e-3, 2: 0.6e-3})
    choice = choice_on(processor)
    for _ in range(20):
        for kind, rounds in (("train", 300), ("train", 300), ("look", 10)):
            processor.step(choice, rounds, kind)
    assert choice.chosen == 2


def test_a_setting_that_loses_is_tried_less_and_less() -> None:
    near, far = Processor({1: 1e-3, 2: 0.95e-3}), Processor({1: 1e-3, 2: 30e-3})
    for processor in (near, far):
        choice = choice_on(processor)
        while processor.now < 700:
            processor.step(choice)
        assert processor.measured < 40


def test_many_cores_are_tried_by_powers_of_two() -> None:
    assert [counts_to_try(n) for n in (1, 2, 6, 16)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8, 16]]


def test_a_real_round_of_work_takes_milliseconds_and_keeps_to_its_limit() -> None:
    work = Work()
    done = work(1, 1.0)
    assert 0 < done.round_s < 0.5
    assert 0 < done.share < 1.1
    assert torch.get_num_threads() == 1


def test_threads_may_be_set_by_option_or_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import click

    @click.command()
    @computing_options
    def command(device_name: str) -> None:
        click.echo(f"{device_name} {thread_choice().counts}")

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert CliRunner().invoke(command, ["--threads", "3", "--device", "cpu"]).output == "cpu (3,)\n"
    measured = CliRunner().invoke(command, []).output
    assert measured.startswith("auto (1")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert CliRunner().invoke(command, []).output == "auto (2,)\n"
    assert CliRunner().invoke(command, ["--threads", "0"]).exit_code == 2
