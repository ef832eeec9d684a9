"""Times in the form that the database keeps."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_text(time: datetime) -> str:
    """A time as UTC in ISO 8601, always with microseconds: `2026-01-31T08:00:00.000000Z`, 27 characters.

    Raises:
        ValueError: The time has no time zone.
    """
    if time.tzinfo is None:
        raise ValueError("a time needs a time zone")
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def utc_now() -> str:
    """Now, as `utc_text` writes it."""
    return utc_text(datetime.now(UTC))
