"""The locustfile of the soak: made-up requests, and what the master tells of its guard.

Fifty names, response times spread log-normally, some failures with four texts, and a slow quarter
of every minute.
"""

from __future__ import annotations

import gc
import json
import math
import sys
import time
from collections import deque
from collections.abc import Iterable
from random import Random
from typing import Any

import gevent
from locust import User, constant_throughput, events, task
from locust.env import Environment
from locust.runners import MasterRunner

from guard.engine.guard import Guard
from guard.engine.window import JITTER

PRODUCTS = [("GET", f"/product/{number}") for number in range(38)]
SEARCHES = [
    ("GET", f"/search/{what}") for what in ("books", "games", "music", "toys", "all", "new")
]
STEPS = [("POST", f"/{step}") for step in ("login", "cart", "address", "checkout", "pay", "review")]
ENTRIES = [*PRODUCTS, *SEARCHES, *STEPS]

SIGMA = 0.5  # of log-normal distributions with medians of 40 to 236 ms
FAILING = 0.02
FAILURES = ("503 Service Unavailable", "request timed out", "no token", "connection reset")
SLOW_S, SLOW_EVERY_S, SLOWER = 15, 60, 3

COUNT_EVERY_S = 20
"""Workers report every three seconds, and what they report is there twice until the next tick. So
this must not be a multiple of three, or all counts could be made at such a moment, or none."""

CONTAINERS = (dict, list, tuple, set, frozenset, deque)


class Shopper(User):
    wait_time = constant_throughput(2)
    random = Random()  # noqa: S311 - traffic, not a secret

    @task
    def request(self) -> None:
        random = self.random
        number = random.randrange(len(ENTRIES))
        method, name = ENTRIES[number]
        middle = 40 + 4 * number
        if time.time() % SLOW_EVERY_S < SLOW_S:
            middle *= SLOWER
        fails = random.random() < FAILING
        self.environment.events.request.fire(
            request_type=method,
            name=name,
            response_time=random.lognormvariate(math.log(middle), SIGMA),
            response_length=random.randrange(500, 5000),
            exception=RuntimeError(random.choice(FAILURES)) if fails else None,
            context={},
        )


class Ticks:
    """How many ticks there were, and how late. They are due on the whole seconds of the test."""

    def __init__(self) -> None:
        self.done = 0
        self.late = 0
        self.latest = 0.0

    def note(self, now: float) -> None:
        lateness = now % 1
        self.done += 1
        self.late += lateness > JITTER
        self.latest = max(self.latest, lateness)


def watch_ticks() -> Ticks:
    """Note every tick of a guard from now on."""
    ticks, tick = Ticks(), Guard.tick

    def noted(self: Guard, snapshot: Any, now: float, *go_on: Any) -> Any:
        ticks.note(now)
        return tick(self, snapshot, now, *go_on)

    Guard.tick = noted  # type: ignore[assignment,method-assign]  # nothing else counts them
    return ticks


def held_by_guard(not_its_own: Iterable[object]) -> tuple[int, int]:
    """Number and bytes of the guard's objects and of the containers they hold, without the numbers
    and texts in them. The few from before the workers were forked, such as the rules, are hidden
    from the garbage collector by Locust."""
    seen = {id(thing) for thing in not_its_own}
    queue = [
        thing for thing in gc.get_objects() if str(type(thing).__module__).startswith("guard.")
    ]
    seen.update(map(id, queue))
    number = size = 0
    while queue:
        thing = queue.pop()
        number += 1
        size += sys.getsizeof(thing)
        for held in gc.get_referents(thing):
            if isinstance(held, CONTAINERS) and id(held) not in seen:
                seen.add(id(held))
                queue.append(held)
    return number, size


def tell(environment: Environment, ticks: Ticks) -> None:
    begin = time.monotonic()
    while True:
        # At half seconds, so that no tick is late because of this.
        elapsed = time.monotonic() - begin
        gevent.sleep((elapsed // COUNT_EVERY_S + 1) * COUNT_EVERY_S + 0.5 - elapsed)
        stats = environment.stats
        histograms = [entry.response_times for entry in (stats.total, *stats.entries.values())]
        objects, size = held_by_guard(histograms)
        count = {
            "minutes": (time.monotonic() - begin) / 60,
            "objects": objects,
            "bytes": size,
            "requests": stats.total.num_requests,
            "ticks": ticks.done,
            "late": ticks.late,
            "latest": ticks.latest,
        }
        print("soak:", json.dumps(count), flush=True)


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, MasterRunner):
        ticks = watch_ticks()
        environment.events.test_start.add_listener(
            lambda **_: gevent.spawn(tell, environment, ticks)
        )
