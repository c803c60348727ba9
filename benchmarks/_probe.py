"""A second locustfile: prints the CPU seconds of the process from the first user to the last."""

from __future__ import annotations

import time
from typing import Any

from locust import events


def on_test_start(**_: Any) -> None:
    begin = time.process_time()

    def on_test_stopping(**_: Any) -> None:
        print("CPU seconds under load:", time.process_time() - begin)

    events.test_stopping.add_listener(on_test_stopping)


events.test_start.add_listener(on_test_start)
