"""Three requests against a small shop that turns slow and starts to fail after a while.

The shop is served on loopback by this very file, so there is nothing else to install or start:

    locust-guard run -f examples/quickstart/locustfile.py --headless -u 20 -r 10 -t 60s

It stays well with ``--shop healthy``: one request in 250 still fails, which its rules tolerate.
"""

from __future__ import annotations

import itertools
import random
import sys
import time

import gevent
from gevent.pywsgi import WSGIServer
from locust import FastHttpUser, constant_throughput, events, task
from locust.runners import WorkerRunner

SECONDS_OF_PATH = {"/": 0.01, "/search": 0.03, "/checkout": 0.06}


class Shop:
    """A web shop that turns bad some seconds after ``opened_at``, or never."""

    def __init__(self) -> None:
        self.opened_at = time.monotonic()
        self.bad_after: float | None = None
        self._served = itertools.count(1)
        self._served_badly = itertools.count(1)

    @property
    def is_bad(self) -> bool:
        since = time.monotonic() - self.opened_at
        return self.bad_after is not None and since >= self.bad_after

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        seconds = SECONDS_OF_PATH.get(path, 0.0) * random.uniform(0.8, 1.2)
        fails = next(self._served) % 250 == 0
        if self.is_bad and path == "/checkout":
            seconds += random.uniform(0.6, 1.0)
            fails = fails or next(self._served_badly) % 15 == 0
        gevent.sleep(seconds)
        start_response("503 Service Unavailable" if fails else "200 OK", [])
        return [b"sorry" if fails else b"welcome"]


SHOP = Shop()


@events.init_command_line_parser.add_listener
def add_options(parser):
    parser.add_argument("--shop", choices=["bad", "healthy"], default="bad", help="How it ends")
    parser.add_argument("--shop-bad-after", type=float, default=15, help="Seconds until it does")
    parser.add_argument("--shop-port", type=int, default=8765, help="Where the shop is served")


@events.init.add_listener
def open_shop(environment, runner, **_):
    options = environment.parsed_options
    environment.host = f"http://127.0.0.1:{options.shop_port}"
    if isinstance(runner, WorkerRunner):
        return
    try:
        WSGIServer(("127.0.0.1", options.shop_port), SHOP, log=None).start()
    except OSError as error:
        sys.exit(f"the shop can't open: {error}; choose another port with --shop-port")


@events.test_start.add_listener
def start_over(environment, **_):
    SHOP.opened_at = time.monotonic()
    if environment.parsed_options.shop == "bad":
        SHOP.bad_after = environment.parsed_options.shop_bad_after


class Customer(FastHttpUser):
    wait_time = constant_throughput(2)

    @task(3)
    def look_around(self):
        self.client.get("/")

    @task(2)
    def search(self):
        self.client.get("/search")

    @task(2)
    def check_out(self):
        self.client.post("/checkout")
