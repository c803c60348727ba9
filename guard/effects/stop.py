"""Stopping the run."""

from __future__ import annotations

import gevent
from locust.env import Environment


def stop(environment: Environment) -> None:
    """Stop the load test. May block until users and workers have stopped.

    Without a web UI ``quit()`` is the only thing that ends the process; with one, ``quit()`` would
    leave a UI whose workers are gone, while ``stop()`` keeps everything usable. Then ``--autoquit``
    is ours to obey, because Locust does so only when it ends the test itself.
    """
    runner, web_ui, options = environment.runner, environment.web_ui, environment.parsed_options
    if runner is None:
        return
    if web_ui is None:
        runner.quit()
        return
    runner.stop()
    if options is not None and options.autostart and options.autoquit != -1:
        gevent.sleep(options.autoquit)
        runner.quit()
        web_ui.stop()
