"""Waiting for a condition, never for a time.

Every wait of the suite names what it waits for and how long that may take; a test that waits longer
fails with those words. Nothing sleeps in the hope that something has happened meanwhile.
"""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

# Between two looks at a condition that cannot be waited on by the kernel (a file, a database row).
LOOK_AGAIN = 0.01


class Deadline:
    """A moment by which something must have happened."""

    def __init__(self, seconds: float):
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left; never negative, so that it can be handed to a socket or to `select`."""
        return max(0.0, self._end - time.monotonic())

    def passed(self) -> bool:
        return time.monotonic() >= self._end


def until(what: str, condition: Callable[[], Value], within: float = 5.0) -> Value:
    """The first true value of the condition; fails the test, in words, when there is none."""
    deadline = Deadline(within)
    while True:
        value = condition()
        if value:
            return value
        if deadline.passed():
            raise AssertionError(f"waited {within} s in vain until {what} (last seen: {value!r})")
        time.sleep(LOOK_AGAIN)
