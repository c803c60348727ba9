"""Tells a chat why a run is stopped: by ``notify`` in its rules, and by a listener of its own.

The shop under test and the chat are served on loopback by this very file, so there is nothing else
to install or start. The shop turns slow after 5 seconds, so the run is stopped, and the chat prints
what it is told:

    locust-guard run -f examples/notify/locustfile.py --headless -u 10 -r 10 -t 60s

To be told yourself, set ``CHAT_WEBHOOK`` to an address that Apprise knows, such as the webhook that
Slack gave you.
"""

from __future__ import annotations

import json
import sys
import time

import gevent
import requests
from gevent.pywsgi import WSGIServer
from locust import FastHttpUser, constant_throughput, events, task
from locust.runners import WorkerRunner

import guard


@events.init_command_line_parser.add_listener
def add_options(parser):
    parser.add_argument("--shop-slow-after", type=float, default=5, help="Seconds until it is")
    parser.add_argument("--chat-port", type=int, default=8767, help="Where all is served")


@events.init.add_listener
def open_shop_and_chat(environment, runner, **_):
    opened_at, port = time.monotonic(), environment.parsed_options.chat_port
    environment.host = f"http://127.0.0.1:{port}"
    if isinstance(runner, WorkerRunner):
        return

    def shop(_):
        since = time.monotonic() - opened_at
        gevent.sleep(0.8 if since >= environment.parsed_options.shop_slow_after else 0.02)

    def chat(body):
        message = json.loads(body)
        lines = message.get("text") or f"{message['title']}\n{message['message']}"
        print("the chat is told:", lines.replace("\n", "\n    "), flush=True)

    def serve(environ, start_response):
        is_for_chat = environ["REQUEST_METHOD"] == "POST"
        (chat if is_for_chat else shop)(environ["wsgi.input"].read())
        start_response("200 OK", [])
        return [b"welcome"]

    try:
        WSGIServer(("127.0.0.1", port), serve, log=None).start()
    except OSError as error:
        sys.exit(f"the shop can't open: {error}; choose another port with --chat-port")


@guard.events.stop.add_listener
def post(environment, reason, **_):
    """Post a message as Slack's webhooks take it, worded as we like."""
    text = f":octagonal_sign: The load test of {environment.host} is stopped: {reason}"
    requests.post(f"{environment.host}/hooks/ours", json={"text": text}, timeout=5)


class Customer(FastHttpUser):
    wait_time = constant_throughput(2)

    @task
    def look_around(self):
        self.client.get("/")
