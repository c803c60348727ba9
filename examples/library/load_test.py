"""A load test as a program of its own: no ``locust`` command, no locustfile.

It serves a small shop, tests it under guard, says how that went, and exits by the verdict:

    python examples/library/load_test.py

The shop turns slow after 5 seconds, so the test is stopped and the program exits 3. With
``--slow-after 60`` the test goes on for its 20 seconds, and the program exits 0.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import gevent
from gevent.pywsgi import WSGIServer
from locust import FastHttpUser, constant_throughput, task
from locust.env import Environment
from locust.log import setup_logging

import guard

RULES = Path(__file__).parent / "rules.yaml"


class Customer(FastHttpUser):
    wait_time = constant_throughput(5)

    @task
    def look_around(self):
        self.client.get("/")


def serve_shop(slow_after: float) -> str:
    """Open a shop that turns slow after so many seconds. Gives its address."""
    opened_at = time.monotonic()

    def shop(_environ, start_response):
        slow = time.monotonic() - opened_at >= slow_after
        gevent.sleep(0.8 if slow else 0.02)
        start_response("200 OK", [])
        return [b"welcome"]

    server = WSGIServer(("127.0.0.1", 0), shop, log=None)
    server.start()
    return f"http://127.0.0.1:{server.server_port}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow-after", type=float, default=5, help="Seconds until the shop is")
    parser.add_argument("--run-time", type=float, default=20, help="Seconds at most")
    options = parser.parse_args()
    setup_logging("INFO")  # the guard logs why it stops a test

    environment = Environment(user_classes=[Customer], host=serve_shop(options.slow_after))
    runner = environment.create_local_runner()
    checker = guard.attach(environment, RULES)

    runner.start(10, spawn_rate=10)
    gevent.spawn_later(options.run_time, runner.quit)
    runner.greenlet.join()  # until the guard or the run time ends it

    verdict = checker.conclude()
    print(f"{verdict.outcome.value} after {verdict.duration:.0f} s: {verdict.reason}")
    return verdict.exit_code


if __name__ == "__main__":
    sys.exit(main())
