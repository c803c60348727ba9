"""Destinations: what is read, what of an address is shown, and what Apprise makes of it."""

from __future__ import annotations

import io
import json

import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guard.cli import main
from guard.destination import Occasion, service_of
from guard.language import addresses
from guard.language.errors import RulesError
from guard.language.occasions import OCCASIONS
from guard.language.rulefile import load_rules, parse_file, parse_rules
from guard.language.testfile import load_tests
from guard.listing import FORMATS, check_file

RULES = "rules: [p95 < 1s]\n"
SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
SECRET = "s3cr3t-that-nobody-must-see"  # noqa: S105 - none of anybody's


def destinations(notify, **environment):
    content = f"{RULES}notify:\n{notify}"
    return parse_file(content.encode(), "rules.yaml", environment).destinations


def refused(notify, **environment):
    with pytest.raises(RulesError) as error:
        addresses.verify(destinations(notify, **environment))
    return str(error.value)


@pytest.mark.parametrize(
    ("on", "occasions"),
    [
        pytest.param("", {"stop", "verdict"}, id="what is told where nobody says"),
        pytest.param("on: stop", {"stop"}, id="one word"),
        pytest.param("on: [breach, recovery]", {"breach", "recovery"}, id="a list"),
        pytest.param("on: [stop, stop]", {"stop"}, id="a word given twice"),
        pytest.param("on: ${WHEN}", {"not-passed"}, id="a variable"),
    ],
)
def test_what_is_told(on, occasions):
    (found,) = destinations(f"  - to: json://hooks.example\n    {on}\n", WHEN="not-passed")
    assert {occasion.value for occasion in found.on} == occasions


def test_every_occasion_has_a_word():
    assert {*OCCASIONS} == {occasion.value for occasion in Occasion}


def test_several_addresses_of_one_destination():
    found = destinations("  - to: [json://a.example, json://b.example]\n    on: stop\n")
    assert [(one.url, one.place.column) for one in found] == [
        ("json://a.example", 10),
        ("json://b.example", 28),
    ]


def test_an_address_that_several_files_give_is_told_once_of_everything(tmp_path):
    text = "notify: [{{to: 'json://{}.example', on: {}}}]\n{}rules: [{} < 1s]"
    (tmp_path / "base.yaml").write_text(text.format("shared", "stop", "", "p99"))
    top = text.format("shared", "breach", "extends: base.yaml\n", "p95").encode()
    (found,) = parse_file(top, str(tmp_path / "rules.yaml")).destinations
    assert found.on == {Occasion.STOP, Occasion.BREACH}
    assert found.place.file.endswith("base.yaml"), "those of other files come first, as rules do"


def test_rules_are_read_without_what_is_secret():
    """Tests of rules and replays run where no secret is set."""
    text = f"{RULES}notify: [{{to: '${{SLACK_WEBHOOK}}'}}]"
    (rule,) = parse_rules(text.encode(), "rules.yaml", {})
    assert str(rule) == "p95 < 1s"


def test_a_variable_that_is_not_set_is_refused_where_somebody_is_to_be_told():
    assert refused("  - to: ${SLACK_WEBHOOK}\n") == (
        "rules.yaml:3:9: to: ${SLACK_WEBHOOK} is not set; set it; an address that is "
        "${SLACK_WEBHOOK:-} and no more tells nobody without it"
    )


@pytest.mark.parametrize("environment", [{}, {"SLACK_WEBHOOK": ""}], ids=["not set", "empty"])
def test_an_empty_variable_means_that_nobody_is_told(environment):
    (found,) = destinations("  - to: ${SLACK_WEBHOOK:-}\n", **environment)
    assert found.url == ""
    addresses.verify([found])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("slak://a/b/c", "unknown kind of address 'slak'; did you mean 'slack'? see https"),
        ("slack://a", "not a complete address of slack://; see https://appriseit.com/"),
        ("https://hooks.example/a", "a webhook of your own is jsons:// and the rest of its"),
    ],
)
def test_an_address_that_apprise_does_not_know(url, message):
    text = refused(f"  - to: {url}\n")
    assert text.startswith("rules.yaml:3:9: to: ")
    assert message in text


def test_what_a_variable_stands_for_is_in_no_message():
    for value in (f"slak://{SECRET}", f"slack://{SECRET}", f"https://x.example/{SECRET}"):
        text = refused("  - to: ${SLACK_WEBHOOK}\n", SLACK_WEBHOOK=value)
        assert "what ${SLACK_WEBHOOK} stands for is no complete address" in text
        assert SECRET not in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (SLACK, "slack://"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack://"),
        ("mmosts://chat.example:8443/3ccdd113474722377935511fc85d3dd4", "mmosts://chat.example"),
        ("mailto://me:pass@mail.example?to=you@mail.example", "mailto://mail.example"),
        ("json://me:pass@hooks.example:81/path?+Key=value", "json://hooks.example"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "tgram://"),
        (f"pagerduty://{'a' * 32}@{'b' * 32}", "pagerduty://"),
        (f"matrix://{'c6' * 32}", "matrix://"),
        (f"ntfy://{SECRET}", "ntfy://"),
        ("xbmcs://user:pass@tv.example", "xbmcs://"),
    ],
)
def test_what_is_shown_of_an_address(url, shown):
    """Scheme and host at most; what stands where a host would may be the secret itself."""
    (found,) = destinations(f"  - to: '{url}'\n")
    assert addresses.shown(found) == shown
    assert url not in repr(found)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("${CHAT}", "${CHAT}"),
        ("${CHAT:-}", "${CHAT}"),
        ("json://${HOST}/path", "json://"),
        ("json://hooks.example/${TOKEN}", "json://"),
    ],
)
def test_what_a_variable_stands_for_is_not_shown(written, shown):
    variables = {"CHAT": SLACK, "HOST": "hooks.example", "TOKEN": SECRET}
    (found,) = destinations(f"  - to: {written}\n", **variables)
    assert addresses.shown(found) == shown


def test_an_answer_that_leads_elsewhere_is_not_followed_unless_the_address_says_so():
    assert not service_of("json://hooks.example").redirects
    assert service_of("json://hooks.example?redirect=yes").redirects


@pytest.mark.parametrize("form", FORMATS)
def test_check_shows_no_secret(form, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLACK_WEBHOOK", SLACK)
    notify = f"notify:\n  - to: ${{SLACK_WEBHOOK}}\n  - to: json://me:{SECRET}@h.example/{SECRET}\n"
    (tmp_path / "rules.yaml").write_text(RULES + notify)
    out, err = io.StringIO(), io.StringIO()
    FORMATS[form]([check_file("rules.yaml")], out, err)
    assert "${SLACK_WEBHOOK}" in out.getvalue()
    assert "slack" not in out.getvalue()
    assert "json://h.example" in out.getvalue()
    for text in (out.getvalue(), err.getvalue()):
        assert SECRET not in text
        assert "T1JJ3T3L2" not in text


anything = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=60)


@settings(deadline=None, max_examples=200)
@given(anything)
@example("json://[")
@example("json://a:b:c@[::1/x?y=%zz")
@example(" slack:// ")
@example("://")
@example("mailto://?to=,;")
def test_whatever_an_address_is_it_is_read_or_refused_and_never_shown(text):
    """As the value of a variable."""
    value = f"{text}{SECRET}"
    said = []
    try:
        found = destinations("  - to: ${SLACK_WEBHOOK}\n", SLACK_WEBHOOK=value)
        said.append(repr(found))
        addresses.verify(found)
    except RulesError as error:
        said.append(str(error))
    assert SECRET not in "".join(said)


@settings(deadline=None, max_examples=100)
@given(st.recursive(anything, lambda of: st.lists(of, max_size=3) | st.dictionaries(
    st.sampled_from(["to", "on", "x"]), of, max_size=3), max_leaves=8))  # fmt: skip
def test_whatever_notify_is_it_is_read_or_refused(notify):
    content = json.dumps({"rules": ["p95 < 1s"], "notify": notify}, ensure_ascii=False)
    places = []
    try:
        places += [one.place for one in parse_file(content.encode(), "rules.yaml", {}).destinations]
    except RulesError as error:
        places += [problem.place for problem in error.problems]
    assert all(place.line == 1 for place in places)


def test_load_rules_goes_on_to_return_rules(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(f"{RULES}notify: [{{to: 'json://hooks.example'}}]")
    assert [str(rule) for rule in load_rules(path)] == ["p95 < 1s"]


@pytest.mark.parametrize(
    ("to", "code"), [("${SLACK_WEBHOOK}", 0), ("json://hooks.example", 0), ("slak://a/b", 2)]
)
def test_check_needs_no_secret_but_knows_addresses(tmp_path, monkeypatch, to, code):
    monkeypatch.delenv("SLACK_WEBHOOK", raising=False)
    path = tmp_path / "rules.yaml"
    path.write_text(f"{RULES}notify: [{{to: '{to}'}}]")
    result = CliRunner().invoke(main, ["check", "--strict", str(path)])
    assert result.exit_code == code, result.output


def test_tests_of_rules_need_no_secret(tmp_path):
    (tmp_path / "rules.yaml").write_text(f"{RULES}notify: [{{to: '${{SLACK_WEBHOOK}}'}}]")
    path = tmp_path / "rules.test.yaml"
    path.write_text("rules: rules.yaml\ntests: [{name: a, series: [{rps: 5x10}], expect: {outcome: "
                    "inconclusive}}]")  # fmt: skip
    (rule,) = load_tests(path, {}).rules
    assert str(rule) == "p95 < 1s"
