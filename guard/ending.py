"""The end of a test, and of the process that ends with it."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent
from locust.env import Environment

from guard.deadline import Deadline
from guard.effects.stop import seconds_to_stay, stop
from guard.process import Process
from guard.rule import timespan_text

logger = logging.getLogger("guard")

GRACE = 10.0
"""Seconds that the process has, after the deadline, to end in good order."""

TRY_AGAIN_AFTER = 1.0
"""Seconds after which a stop that failed is tried again."""


class Ending:
    """Stops a test, and sees to it that it comes to its end, and the process where it is to.

    Args:
        environment: The environment, with its runner.
        deadline: Seconds that the test may take to end. A process that ends with its test, because
            the guard wants it to, has as long again.
        leave_verdict: Called when the time is up.
        process: The process, where it is there for this environment alone.

    Attributes:
        is_requested: Whether the guard is stopping the test.
    """

    def __init__(
        self,
        environment: Environment,
        deadline: float,
        leave_verdict: Callable[[], None],
        process: Process | None,
    ) -> None:
        self.is_requested = False
        self._is_expected = False
        self._environment = environment
        self._leave_verdict = leave_verdict
        stay = seconds_to_stay(environment)
        self._process = None if stay is None else process
        self._test = Deadline(deadline, self._test_overdue)
        self._rest = Deadline(deadline + (stay or 0.0), self._process_overdue)
        self._is_over = False

    def expect(self) -> None:
        """The test is to end from now on, and the process with it, as the guard wants it to."""
        self._is_expected = True
        self._begin(self._test)

    def request(self) -> None:
        """Stop the test, in a greenlet of its own: that may block."""
        self.is_requested = True
        self.expect()
        gevent.spawn(self._stop)

    def load_ended(self) -> None:
        """Note that users are being stopped, whoever wants it."""
        self._test.begin()

    def test_stopping(self) -> None:
        """Note that somebody has begun to stop the test, in this greenlet."""
        if self._process is not None and gevent.getcurrent() is gevent.get_hub().parent:
            self._process.quits()  # as Locust's main function does when a shape has ended

    def test_ended(self) -> None:
        """Note that the test is over."""
        self._test.cancel()
        if self._is_expected:
            self._begin(self._rest)

    def concluded(self) -> None:
        """Note that the verdict is left."""
        self._is_over = True

    def answered(self) -> None:
        """Note that Locust has the exit code. What is left is to wait for its workers."""
        self._rest.cancel()

    def _begin(self, deadline: Deadline) -> None:
        if deadline.begin() and self._process is not None:
            # For when no greenlet has a turn any more, such as the deadline's.
            self._process.end_within(deadline.seconds + GRACE)

    def _stop(self) -> None:
        # Not left to the next tick: where the guard itself failed there is none.
        while not self._is_over:
            try:
                stop(self._environment)
                return
            except Exception:
                logger.exception("stopping the run failed; trying again")
                gevent.sleep(TRY_AGAIN_AFTER)

    def _test_overdue(self) -> None:
        if self._is_over:
            return
        logger.error(
            "the test has not ended within %s; its verdict is left as it stands",
            timespan_text(self._test.seconds),
        )
        self._leave_verdict()
        if self._is_expected and self._process is not None:
            self._process.end()

    def _process_overdue(self) -> None:
        if self._process is not None and not self._process.is_leaving:
            logger.error(
                "the process has not ended within %s of its test, and is ended",
                timespan_text(self._rest.seconds),
            )
            self._leave_verdict()
            self._process.end()
