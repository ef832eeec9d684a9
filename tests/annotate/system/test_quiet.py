"""Warnings switched for a moment: ignored, raised, and as before afterwards, from several threads too."""

from __future__ import annotations

import threading
import warnings

import pytest

from dmr.annotate.system.quiet import quietly


def test_warnings_are_ignored_within_and_raised_again_after() -> None:
    with quietly():
        warnings.warn("nobody hears it", UserWarning, stacklevel=1)
    with pytest.raises(UserWarning, match="heard"):  # as everywhere in these tests
        warnings.warn("heard", UserWarning, stacklevel=1)


def test_only_the_kind_named_is_ignored() -> None:
    with quietly(ignored=DeprecationWarning), pytest.raises(UserWarning):
        warnings.warn("another kind", UserWarning, stacklevel=1)


def test_a_kind_may_be_raised_while_the_others_are_ignored() -> None:
    with quietly(ResourceWarning):
        warnings.warn("ignored", UserWarning, stacklevel=1)
        with pytest.raises(ResourceWarning):
            warnings.warn("an error", ResourceWarning, stacklevel=1)


def test_threads_take_turns_and_leave_no_setting_behind() -> None:
    before = list(warnings.filters)
    is_within = threading.Event()

    def second() -> None:
        with quietly(ignored=DeprecationWarning):
            is_within.set()

    thread = threading.Thread(target=second)
    with quietly():
        thread.start()
        assert not is_within.wait(0.05)
    thread.join()
    assert is_within.is_set()
    assert list(warnings.filters) == before
