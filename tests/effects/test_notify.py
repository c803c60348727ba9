"""Messages to real servers on loopback: what is sent when, and what becomes of those that fail.

Nothing is patched here, as in a Locust with LOCUST_SKIP_MONKEY_PATCH.
"""

from __future__ import annotations

import logging

import gevent
import pytest

from guard.destination import Destination, Occasion
from guard.effects import notify
from guard.effects.about import About
from guard.effects.notify import Notifier
from guard.engine.judge import Transition
from guard.engine.reading import Reading
from guard.engine.verdict import Verdict
from guard.language.rulefile import parse_rules
from guard.rule import Outcome, State

ABOUT = About("shop.py", "https://shop.example", "rules.yaml", "2026-01-01", "0", "0")
(RULE,) = parse_rules(b"rules: [p95 < 500ms over 10s else warn]", "rules.yaml")
SECRET = "s3cr3t-that-nobody-must-see"  # noqa: S105 - none of anybody's


def verdict(outcome=Outcome.FAIL):
    return Verdict(outcome, "the reason", (), False, None, False, 5.0)


def change(after=State.BREACHED, before=State.OK):
    return Transition(RULE, None, before, after, Reading(900.0, 10, 10.0, 7.0))


RECOVERY = change(State.OK, State.BREACHED)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    monkeypatch.setattr(notify, "BURST", 0.2)
    monkeypatch.setattr(notify, "PAUSE", 0.6)
    monkeypatch.setattr(notify, "LIMIT", 1.0)


def telling(*urls, on=("stop", "verdict")):
    occasions = frozenset(map(Occasion, on))
    return Notifier([Destination(url, occasions, url.split(":")[0] + "://") for url in urls], ABOUT)


def wait_for(webhook, count):
    """Let the timers run until so many messages came."""
    with gevent.Timeout(20):
        while len(webhook.posted) < count:
            gevent.sleep(0.01)


def titles(webhook):
    return [posted.json["title"] for posted in webhook.posted]


def test_a_stop_and_a_verdict_are_a_message_each(server):
    hook = server()
    notifier = telling(f"json://{hook.address}/path")
    notifier.stopping("the reason", verdict())
    notifier.ended(verdict())
    notifier.linger()
    assert titles(hook) == ["stopping shop.py", "fail: shop.py"]
    assert hook.posted[0].path == "/path"
    assert hook.posted[0].json["message"].startswith("the reason\nOutcome: fail\nHost: https://")
    assert hook.posted[0].json["type"] == "failure"


@pytest.mark.parametrize(
    ("on", "outcome", "told"),
    [
        ("verdict", Outcome.PASS, ["pass: shop.py"]),
        ("not-passed", Outcome.PASS, []),
        ("not-passed", Outcome.FAIL, ["fail: shop.py"]),
        ("not-passed", Outcome.INCONCLUSIVE, ["inconclusive: shop.py"]),
        ("not-passed", Outcome.ERROR, ["error: shop.py"]),
        ("stop", Outcome.FAIL, []),
        ("breach", Outcome.FAIL, []),
    ],
)
def test_who_is_told_of_a_verdict(server, on, outcome, told):
    hook = server()
    notifier = telling(f"json://{hook.address}", on=[on])
    notifier.ended(verdict(outcome))
    notifier.linger()
    assert titles(hook) == told


@pytest.mark.parametrize(
    ("on", "told"),
    [
        (["breach"], ["100 breached: shop.py"]),
        (["recovery"], ["recovered: shop.py"]),
        (["breach", "recovery"], ["100 breached, 1 recovered: shop.py"]),
        (["stop", "verdict"], []),
    ],
)
def test_a_burst_is_one_message(server, on, told):
    hook = server()
    notifier = telling(f"json://{hook.address}", on=on)
    for _ in range(100):
        notifier.changed([change(), change(State.PENDING)], verdict())
    notifier.changed([RECOVERY], verdict())
    wait_for(hook, len(told))
    notifier.linger()
    assert titles(hook) == told


def test_the_next_message_about_changes_does_not_follow_at_once(server):
    hook = server()
    notifier = telling(f"json://{hook.address}", on=["breach"])
    for _ in range(12):
        notifier.changed([change()], verdict())
        gevent.sleep(0.1)
    assert len(hook.posted) <= 3
    notifier.ended(verdict())
    notifier.linger()
    told = sum(int(t.split()[0]) if t[0].isdigit() else 1 for t in titles(hook))
    assert told == 12, "none is lost"


@pytest.mark.parametrize(
    ("on", "told"),
    [
        (["stop", "breach"], ["stopping shop.py"]),
        (["breach"], ["breached: shop.py"]),
        (["verdict", "breach"], ["breached: shop.py", "fail: shop.py"]),
    ],
)
def test_the_breach_that_stops_the_run_is_the_message_of_the_stop(server, on, told):
    hook = server()
    notifier = telling(f"json://{hook.address}", on=on)
    notifier.changed([change()], verdict())
    notifier.stopping("the reason", verdict())
    notifier.ended(verdict())
    gevent.sleep(2 * notify.BURST)  # in which nothing follows
    notifier.linger()
    assert titles(hook) == told


def test_a_recovery_is_told_although_the_run_is_over(server):
    hook = server()
    notifier = telling(f"json://{hook.address}", on=["breach", "recovery", "stop", "verdict"])
    notifier.changed([change(), RECOVERY], verdict())
    notifier.stopping("the reason", verdict())
    notifier.ended(verdict())
    notifier.linger()
    assert titles(hook) == ["stopping shop.py", "recovered: shop.py", "fail: shop.py"]


def test_greenlets_go_on_while_a_message_is_sent(server):
    hook = server(seconds=notify.LIMIT / 2)
    notifier = telling(f"json://{hook.address}")
    notifier.ended(verdict())
    lingering = gevent.spawn(notifier.linger)
    wait_for(hook, 1)
    assert not lingering.ready()
    lingering.join()
    assert titles(hook) == ["fail: shop.py"]


def test_all_targets_of_an_address_are_told_at_once(server):
    """Apprise would wait for some seconds between two, beyond the time that a message has."""
    hook = server()
    notifier = telling(f"ntfy://{hook.address}/one/two/three")
    notifier.ended(verdict())
    notifier.linger()
    assert sorted(posted.json["topic"] for posted in hook.posted) == ["one", "three", "two"]


FAULTS = [
    pytest.param({"status": 500}, "the answer was 500", id="500"),
    pytest.param({"drops": True}, "there was no connection, or it broke", id="drops"),
    pytest.param(None, "there was no connection, or it broke", id="refuses"),
    pytest.param({"seconds": 3}, "it took too long", id="slow"),
]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "ERROR"])
@pytest.mark.parametrize(("fault", "why"), FAULTS)
def test_a_failure_is_said_once_without_the_secret(server, caplog, level, fault, why):
    address = server(**fault).address if fault is not None else "127.0.0.1:9"
    caplog.set_level(level)
    notifier = telling(f"json://me:{SECRET}@{address}/{SECRET}?+X-Key={SECRET}")
    notifier.stopping("the reason", verdict())
    notifier.ended(verdict())
    notifier.linger()
    said = [record for record in caplog.records if record.name == "guard"]
    if level != "ERROR":  # else nobody hears what Apprise says of the reason
        assert [record.getMessage() for record in said] == [f"can't tell json:// of the run: {why}"]
    assert len(said) == 1
    assert SECRET not in caplog.text
    assert [r for r in caplog.records if r.name.startswith(("apprise", "urllib3"))] == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_answer_that_leads_elsewhere_is_not_followed(server, caplog, status):
    """Neither the message nor what is secret about the address is sent on."""
    elsewhere = server()
    hook = server(status=status, location=f"http://{elsewhere.address}/")
    notifier = telling(f"json://me:{SECRET}@{hook.address}/")
    notifier.stopping("the reason", verdict())
    notifier.linger()
    assert len(hook.posted) == 1
    assert elsewhere.posted == []
    assert f"the answer was {status}" in caplog.text


def test_telling_sends_nothing_yet(server):
    """It is told while the run is about to be stopped."""
    hook = server()
    notifier = telling(f"json://{hook.address}", on=["stop", "breach", "verdict"])
    notifier.changed([change()], verdict())
    notifier.stopping("the reason", verdict())
    notifier.ended(verdict())
    assert hook.posted == []
    notifier.linger()
    assert titles(hook) == ["stopping shop.py", "fail: shop.py"]


def test_nobody_is_told_where_the_address_is_empty(caplog):
    caplog.set_level(logging.INFO)
    destination = Destination("", frozenset(Occasion), "${SLACK_WEBHOOK}")
    notifier = Notifier([destination], ABOUT)
    notifier.started(verdict())
    notifier.stopping("the reason", verdict())
    notifier.linger()
    assert caplog.messages == ["nobody is told where ${SLACK_WEBHOOK} would say: it is empty"]


def test_where_markdown_is_read_nothing_but_labels_is_marked_up(server):
    hook = server()
    about = About("shop.py", "*b* [x](http://e)", "", "2026-01-01", "0", "0")
    url = f"mmost://{hook.address}/3ccdd113474722377935511fc85d3dd4"
    notifier = Notifier([Destination(url, frozenset({Occasion.STOP}), "mmost://")], about)
    notifier.stopping("the *reason*", verdict())
    notifier.linger()
    (posted,) = hook.posted
    assert posted.path == "/hooks/3ccdd113474722377935511fc85d3dd4"
    text = posted.json["text"]
    assert r"the \*reason\*" in text
    assert r"**Host**: \*b\* \[x\](http://e)" in text
