"""Stopping the run."""

from __future__ import annotations

import logging

from locust.env import Environment

logger = logging.getLogger("guard")


def stop(environment: Environment) -> None:
    """Stop the load test. May block until users and workers have stopped.

    Without a web UI ``quit()`` is the only thing that ends the process; with one, ``quit()`` would
    leave a UI whose workers are gone, while ``stop()`` keeps everything usable.
    """
    runner = environment.runner
    if runner is None:
        return
    try:
        if environment.web_ui is None:
            runner.quit()
        else:
            runner.stop()
    except Exception:
        logger.exception("stopping the run failed")
        raise
