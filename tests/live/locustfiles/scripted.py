"""A load test whose requests are made up: no server, no waiting, numbers as the options say."""

import os
import time

from locust import User, constant, events, runners, task

# Seconds without a heartbeat after which a worker is given up. On a busy machine three are few.
runners.HEARTBEAT_LIVENESS = int(os.environ.get("LIVENESS", runners.HEARTBEAT_LIVENESS))


@events.init_command_line_parser.add_listener
def add_options(parser):
    parser.add_argument("--ms", type=float, default=50)
    parser.add_argument("--slow-ms", type=float, default=900)
    parser.add_argument("--slow-after", type=float, default=1e9)
    parser.add_argument("--fail-every", type=int, default=0)
    parser.add_argument("--silent", action="store_true")


@events.test_start.add_listener
def note_start(**_):
    Scripted.started = time.monotonic()


def say_when_heard(event):
    """Say each time that a process hears of an event."""

    def say(environment, **_):
        where = f"{type(environment.runner).__name__} {os.getpid()}"
        print(
            f"heard {event} in {where}\n", end="", flush=True
        )  # at once, lest others come between

    getattr(events, event).add_listener(say)


for heard in ("test_start", "test_stopping", "test_stop", "quitting"):
    say_when_heard(heard)


class Scripted(User):
    wait_time = constant(0.02)
    made = 0
    started = 0.0

    @task
    def request(self):
        options = self.environment.parsed_options
        if options.silent:
            return
        Scripted.made += 1
        slow = time.monotonic() - Scripted.started >= options.slow_after
        fails = options.fail_every and Scripted.made % options.fail_every == 0
        self.environment.events.request.fire(
            request_type="GET",
            name="/",
            response_time=options.slow_ms if slow else options.ms,
            response_length=0,
            exception=RuntimeError("503") if fails else None,
            context={},
        )
