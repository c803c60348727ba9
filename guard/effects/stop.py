"""Stopping the run."""

from __future__ import annotations

from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import STATE_CLEANUP, LocalRunner, MasterRunner, Runner

PATIENCE = 5.0
"""Seconds, after ``--stop-timeout``, for which a stop of Locust's own is waited for."""

POLL = 0.1
"""Seconds between two looks at whether it is over."""


def stop(environment: Environment, spawner: gevent.Greenlet[..., Any] | None = None) -> None:
    """Stop the load test. May block until users and workers have stopped.

    Without a web UI ``quit()`` is the only thing that ends the process; with one, ``quit()`` would
    leave a UI whose workers are gone, while ``stop()`` keeps everything usable. Then ``--autoquit``
    is ours to obey, because Locust does so only when it ends the test itself.

    Args:
        environment: The environment whose test is to be stopped.
        spawner: The greenlet that spawns its users, while it does.
    """
    runner, web_ui, options = environment.runner, environment.web_ui, environment.parsed_options
    if runner is None:
        return
    if isinstance(runner, MasterRunner):
        # It would go on to spawn users after they have been stopped.
        _end(spawner)
        _end(getattr(web_ui, "_swarm_greenlet", None))
    stop_users(runner)
    if web_ui is None:
        runner.quit()
        return
    runner.stop()
    if options is not None and options.autostart and options.autoquit != -1:
        gevent.sleep(options.autoquit)
        runner.quit()
        web_ui.stop()


def stop_users(runner: Runner) -> None:
    """Stop the users of this process and wait for them; not twice at a time.

    A ``LocalRunner`` that is told to stop while it is stopping fires ``test_stopping`` and
    ``test_stop`` again. A master is not: it begins with its workers, and knows by itself that it
    is stopping.
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
    _Stopping(runner).do()


class _Stopping:
    """A stop under way. It stands in for the runner's ``stop``: another stop, by the end of the run
    time say, waits for this one."""

    def __init__(self, runner: LocalRunner) -> None:
        self._runner = runner
        self._greenlet = gevent.getcurrent()
        self._done = Event()

    def do(self) -> None:
        runner = self._runner
        stop = runner.stop
        own = vars(runner).get("stop")  # somebody else may have replaced it
        runner.stop = self  # type: ignore[method-assign]  # taken back below
        try:
            stop()
        finally:
            del runner.stop
            if own is not None:
                runner.stop = own  # type: ignore[method-assign]  # as it was
            self._done.set()

    def __call__(self) -> None:
        if gevent.getcurrent() is not self._greenlet:  # which is in a listener of this stop
            self._done.wait()


def _end(greenlet: object) -> None:
    if isinstance(greenlet, gevent.Greenlet) and greenlet is not gevent.getcurrent():
        greenlet.kill()
