"""Settings for all tests."""

import os

import pytest
from webhook import Webhook

# Locust patches the standard library when it is imported. Tests that look at its classes run in
# threads of pytest's own; the processes that they start are patched as usual.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"


@pytest.fixture
def server():
    """Start a server; takes what Webhook takes."""
    servers = []

    def start(*args, **kwargs):
        servers.append(Webhook(*args, **kwargs))
        return servers[-1]

    yield start
    for each in servers:
        each.close()
