"""Stopping the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import gevent
from gevent.event import Event
from locust.dispatch import UsersDispatcher
from locust.env import Environment
from locust.runners import (
    STATE_CLEANUP,
    STATE_STOPPED,
    STATE_STOPPING,
    LocalRunner,
    MasterRunner,
    Runner,
)

if TYPE_CHECKING:
    Greenlet = gevent.Greenlet[..., Any]

PATIENCE = 5.0
"""Seconds, after ``--stop-timeout``, for which a stop of Locust's own is waited for."""

SPREAD = 2.0
"""Seconds for which a master is waited for that spreads its users over other workers."""

SENT = 0.05
"""Seconds after which messages to workers that are due are on their way."""

POLL = 0.1
"""Seconds between two looks at whether what is waited for is over."""


def stop(environment: Environment) -> None:
    """Stop the load test. May block until users and workers have stopped.

    Without a web UI ``quit()`` is the only thing that ends the process; with one, ``quit()`` would
    leave a UI whose workers are gone, while ``stop()`` keeps everything usable. Then ``--autoquit``
    is ours to obey, because Locust does so only when it ends the test itself.
    """
    runner, web_ui = environment.runner, environment.web_ui
    if runner is None:
        return
    stop_users(runner)
    if web_ui is None:
        _Stopping(runner).do("quit")
        return
    _Stopping(runner).do("stop")
    stay = seconds_to_stay(environment)
    if stay is not None:
        gevent.sleep(stay)
        runner.quit()
        web_ui.stop()


def seconds_to_stay(environment: Environment) -> float | None:
    """How long the process stays once a test is over; None for one that does not end with it."""
    options = environment.parsed_options
    if environment.web_ui is None:
        return 0.0
    if options is None or not options.autostart or options.autoquit == -1:
        return None
    return float(options.autoquit)


def stop_users(runner: Runner) -> None:
    """Stop the users of this process and wait for them; not twice at a time.

    A ``LocalRunner`` that is told to stop while it is stopping fires ``test_stopping`` and
    ``test_stop`` again. A master is not told here: it begins with its workers.
    """
    if not isinstance(runner, LocalRunner):
        return
    if isinstance(vars(runner).get("stop"), _Stopping):
        runner.stop()
        return
    # Locust may be stopping it already, or may have begun to: a user who calls runner.quit() is
    # stopped himself before he is done with stopping the others.
    polls = int(((runner.environment.stop_timeout or 0) + PATIENCE) / POLL)
    while runner.state == STATE_CLEANUP and polls:
        polls -= 1
        gevent.sleep(POLL)
    _Stopping(runner).do("stop")


class _Stopping:
    """A stop under way. It stands in for the runner's ``stop``: another stop, by the end of the run
    time say, waits for this one. Locust knows that it is stopping only once the listeners of
    ``test_stopping`` have returned."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._greenlet = gevent.getcurrent()
        self._stop = runner.stop
        self._own = vars(runner).get("stop")  # somebody else may have replaced it
        self._has_begun = False
        self._done = Event()

    def do(self, how: Literal["stop", "quit"]) -> None:
        self._runner.stop = self  # type: ignore[method-assign]  # taken back below
        try:
            getattr(self._runner, how)()  # ``quit`` calls ``stop``
        finally:
            self._end()

    def __call__(self, **options: Any) -> None:
        if gevent.getcurrent() is not self._greenlet:
            if self._runner.state != STATE_STOPPING:  # else a master knows, and returns at once
                self._done.wait()
        elif not self._has_begun:  # else a listener of this stop is asking for another one
            self._has_begun = True
            try:
                self._stop(**options)
            finally:
                self._end()

    def _end(self) -> None:
        if self._done.is_set():
            return
        del self._runner.stop
        if self._own is not None:
            self._runner.stop = self._own  # type: ignore[method-assign]  # as it was
        self._done.set()


def end_spawning(environment: Environment, spawner: Greenlet | None) -> None:
    """Have a master spawn no more users, because the test is being stopped. It would go on, and
    tell its workers in the end that they are running.

    Args:
        environment: The environment whose test is being stopped.
        spawner: The greenlet that spawns the users of the first ramp-up, while it does.
    """
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        return
    for greenlet in (spawner, getattr(environment.web_ui, "_swarm_greenlet", None)):
        if greenlet is not None and greenlet is not gevent.getcurrent():
            greenlet.kill(block=False)
    _end_dispatch(runner)
    # Workers may be about to be told to spawn some. One that hears of it after it has been stopped
    # would go on, and the stop wait for it.
    gevent.sleep(SENT)
    # Users are spread anew for about a second when a worker has come or gone, in the greenlet that
    # reads the workers' reports.
    polls = int(SPREAD / POLL) if spawner is None and runner.worker_count else 0
    while polls and not runner.spawning_completed:
        polls -= 1
        gevent.sleep(POLL)


def remind_of_stop(environment: Environment, *, is_over: bool = False) -> None:
    """Have a master know that its test is being stopped, or has been, when users have been spawned
    or spread anew meanwhile. It takes itself for running then, and another stop would fire all
    events again.
    """
    if isinstance(environment.runner, MasterRunner):
        environment.runner.update_state(STATE_STOPPED if is_over else STATE_STOPPING)


def _end_dispatch(runner: MasterRunner) -> None:
    """Have a dispatch of users come to its end wherever it is made: a program of the user's may
    have started the test in its main greenlet, which can't be killed."""
    dispatcher = runner._users_dispatcher
    if isinstance(dispatcher, UsersDispatcher):
        dispatcher._target_user_count = dispatcher._current_user_count
