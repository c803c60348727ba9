"""The example on notifications does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "notify"


@pytest.mark.parametrize("distributed", [False, True], ids=["standalone", "distributed"])
def test_the_chat_is_told_by_messages_and_by_a_listener(start, free_port, ports, distributed):
    port = str(free_port())
    run = start(
        *("-u", "10", "-r", "10", "-t", "60s", "--chat-port", port),
        *(("--processes", "2", *ports) if distributed else ()),
        rules=(FOLDER / "rules.yaml").read_text(),
        locustfile=(FOLDER / "locustfile.py").read_text(),
        env={"CHAT_WEBHOOK": f"json://127.0.0.1:{port}/messages"},
    )
    assert run.exit_code() == 3
    told = [line for line in run.lines if line.startswith("the chat is told: ")]
    listener = f":octagonal_sign: The load test of http://127.0.0.1:{port} is stopped: The shop is"
    assert sum(listener in line for line in told) == 1
    assert sum("stopping locustfile.py" in line for line in told) == 1
    assert sum("fail: locustfile.py" in line for line in told) == 1
    assert len(told) == 3
    assert "Traceback" not in run.output


def test_a_healthy_shop_is_told_of_too(start, free_port):
    port = str(free_port())
    run = start(
        *("-u", "10", "-r", "10", "-t", "10s", "--chat-port", port, "--shop-slow-after", "60"),
        rules=(FOLDER / "rules.yaml").read_text(),
        locustfile=(FOLDER / "locustfile.py").read_text(),
        env={"CHAT_WEBHOOK": f"json://127.0.0.1:{port}/messages"},
    )
    assert run.exit_code() == 0
    assert run.says("the chat is told: pass: locustfile.py")
