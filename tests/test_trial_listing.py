"""What is printed of tests of rules, for people and for CI."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest

from guard.trial_listing import print_junit, print_text, try_file

FILE = """\
rules:
  - name: Checkout is fast
    check: p95 of POST /checkout < 500ms
    over: 10s
    for: 5s
    else: stop
tests:
  - name: a slow checkout stops the run
    series:
      - {entry: POST /checkout, rps: 50x60, response_time: 100x30 900x30}
    expect:
      outcome: fail
      stopped_at: 40s
      rules:
        Checkout is fast: {at: 40s, value: 900ms}
  - name: a fast one <does> not
    series:
      - {entry: POST /checkout, rps: 50x60, response_time: 100}
    expect: {outcome: pass}
"""

TEXT = """\
FAIL  a slow checkout stops the run
shop.test.yaml:13:19: stopped_at: expected 40s, but was 35s
shop.test.yaml:15:32: Checkout is fast: at: expected 40s, but was 35s

Checkout is fast: p95 of POST /checkout < 500 ms over 10s for 5s else stop
 At   Reading   Requests   State
─────────────────────────────────────────────────────
33s    900 ms        500   pending
34s    900 ms        500   pending
35s    900 ms        500   breached   stops the run
36s    900 ms        500   breached
37s    900 ms        500   breached
38s    900 ms        500   breached
39s    900 ms        500   breached
40s    900 ms        500   breached   breach expected
41s    900 ms        500   breached
42s    900 ms        500   breached

Verdict: fail - Checkout is fast: p95 of POST /checkout was 900 ms over 10 s
(500 requests), must be < 500 ms

pass  a fast one <does> not
shop.test.yaml: 1 passed, 1 failed
"""


@pytest.fixture
def tried(tmp_path, monkeypatch):
    """A file with a test that fails and one that passes, and one that is bad."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.test.yaml").write_text(FILE)
    (tmp_path / "bad.test.yaml").write_text("rules: [p95 < 1s]\ntest: []")
    return [try_file(file, lambda _: True) for file in ("shop.test.yaml", "bad.test.yaml")]


def printed(form, results):
    out, err = io.StringIO(), io.StringIO()
    form(results, out, err)
    return out.getvalue(), err.getvalue()


COMPLAINT = (
    "bad.test.yaml:2:1: unknown key 'test'; did you mean 'tests'? keys are rules, extends, "
    "defaults, environment or tests\n"
)


def test_the_text_shows_what_was_expected_and_the_readings_around_it(tried):
    out, err = printed(print_text, tried)
    assert out == TEXT
    assert err == f"{COMPLAINT}bad.test.yaml: 1 error\n"


def test_the_text_is_80_columns_wide(tried):
    assert max(map(len, printed(print_text, tried)[0].splitlines())) <= 80


def test_junit_has_a_suite_a_file_and_a_case_a_test(tried):
    out, err = printed(print_junit, tried)
    assert err == COMPLAINT
    shop, bad = ElementTree.fromstring(out.encode())  # noqa: S314 - it is our own
    assert [shop.get(count) for count in ("name", "tests", "failures", "errors")] == [
        "shop.test.yaml", "2", "1", "0",
    ]  # fmt: skip
    slow, fast = shop
    assert slow.attrib == {
        "classname": "shop.test.yaml",
        "name": "a slow checkout stops the run",
        "file": "shop.test.yaml",
        "line": "8",
    }
    (failure,) = slow
    assert failure.get("message") == "stopped_at: expected 40s, but was 35s"
    said, _, shown = failure.text.partition("\n")
    assert said == failure.get("message")
    assert shown.rstrip("\n") in TEXT
    assert (fast.get("name"), len(fast)) == ("a fast one <does> not", 0)
    assert [bad.get(count) for count in ("name", "tests", "failures", "errors")] == [
        "bad.test.yaml", "1", "0", "1",
    ]  # fmt: skip
    assert f"{bad[0][0].text}\n" == COMPLAINT


def test_only_wanted_tests_are_tried(tried):
    result = try_file("shop.test.yaml", lambda test: "fast" in test.name)
    assert result.summary == "shop.test.yaml: 1 passed"


def test_junit_has_no_character_that_xml_can_not_have(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = FILE.replace("a fast one <does> not", '"a fast \\e one"')
    (tmp_path / "x.test.yaml").write_text(text)
    out, _ = printed(print_junit, [try_file("x.test.yaml", lambda _: True)])
    assert ElementTree.fromstring(out.encode())[0][1].get("name") == "a fast \\x1b one"  # noqa: S314
