"""A server on loopback that takes messages, or does not."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Posted:
    """A request that came: its path, its body, and when it came."""

    path: str
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Webhook:
    """Takes POST requests on a port of its own.

    Args:
        status: What it answers.
        seconds: How long it takes to answer.
        location: Where it sends whoever asks.
        drops: Whether it breaks the connection off instead.
    """

    def __init__(
        self, status: int = 200, seconds: float = 0, location: str = "", *, drops: bool = False
    ) -> None:
        self.posted: list[Posted] = []
        self._news = threading.Condition()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with webhook._news:
                    webhook.posted.append(Posted(self.path, body, time.monotonic()))
                    webhook._news.notify_all()
                time.sleep(seconds)
                if drops:
                    # A connection that is reset, not closed in good order.
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                    return
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Who asked may be gone before the answer comes."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def wait(self, count: int, seconds: float = 40) -> list[Posted]:
        """Wait for so many requests. Gives those that came."""
        with self._news:
            came = self._news.wait_for(lambda: len(self.posted) >= count, seconds)
        assert came, f"{len(self.posted)} of {count} came within {seconds} s: {self.posted}"
        return list(self.posted)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
