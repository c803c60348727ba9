"""What a browser asks of Locust's web UI."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from typing import Any
from urllib.error import HTTPError, URLError


class Browser:
    """Presses the buttons of a web UI.

    Args:
        port: The port that the web UI is served on.

    Attributes:
        options: What a process takes to have such a web UI.
    """

    def __init__(self, port: int) -> None:
        self.options = ("--web-host", "127.0.0.1", "--web-port", str(port))
        self._port = port

    def start(self, **form: object) -> None:
        """Start a test of two users, or change those of the one that runs. The form has Locust's
        own options and the locustfile's."""
        answer = json.loads(self._ask("/swarm", {"user_count": 2, "spawn_rate": 10, **form}))
        assert answer["success"], answer

    def stop(self) -> None:
        """Stop the test."""
        self._press("/stop")

    def reset(self) -> None:
        """Clear the statistics."""
        self._press("/stats/reset")

    def page(self, path: str = "/") -> str:
        return self._ask(path)

    def stats(self) -> dict[str, Any]:
        """What the page asks for every two seconds."""
        shown: dict[str, Any] = json.loads(self._ask("/stats/requests"))
        return shown

    def requests(self) -> int:
        """How many requests are shown."""
        return int(self.stats()["stats"][-1]["num_requests"])

    def _press(self, path: str) -> None:
        try:
            self._ask(path, {})
        except HTTPError:  # older Locusts do it on GET
            self._ask(path)

    def _ask(self, path: str, form: dict[str, object] | None = None, timeout: float = 40) -> str:
        """Waits until the web UI is there."""
        body = None if form is None else urllib.parse.urlencode(form).encode()
        deadline = time.monotonic() + timeout
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", body) as answer:
                    return answer.read().decode()
            except HTTPError:
                raise
            except URLError:
                assert time.monotonic() < deadline, f"nobody serves port {self._port}"
                time.sleep(0.1)
