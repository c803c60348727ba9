"""Variables of the environment: what they stand for, where that is written, and what is hidden."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.language.environment import expand, is_secret
from guard.language.errors import RulesError
from guard.language.rulefile import load_rules, parse_rules

ENVIRONMENT = {"A": "alpha", "B_2": "beta", "EMPTY": "", "_x": "low"}


def expanded(text, longest=100):
    result, complaints = expand(text, ENVIRONMENT, longest)
    assert complaints == []
    return result


@pytest.mark.parametrize(
    ("text", "stands_for"),
    [
        pytest.param("plain", "plain", id="a text without variables"),
        pytest.param("${A}", "alpha", id="a variable alone"),
        pytest.param("a ${A}${B_2}, ${_x}", "a alphabeta, low", id="several in a text"),
        pytest.param("${A:-x}", "alpha", id="a default that is not needed"),
        pytest.param("${NONE:-x y}", "x y", id="a default for a variable that is not set"),
        pytest.param("${EMPTY:-x}", "x", id="a default for an empty variable, as in shells"),
        pytest.param("${NONE:-}", "", id="an empty default"),
        pytest.param("${NONE:-a:-b}", "a:-b", id="a default with :- in it"),
        pytest.param("[${EMPTY}]", "[]", id="an empty variable without a default"),
        pytest.param("$${A}", "${A}", id="two dollars make the brace plain"),
        pytest.param("$$${A}", "$${A}", id="the dollar before stays"),
        pytest.param("$A $$ $ {A} $(A)", "$A $$ $ {A} $(A)", id="nothing else is a variable"),
    ],
)
def test_what_a_text_stands_for(text, stands_for):
    assert expanded(text).text == stands_for


def test_a_value_is_not_expanded_again():
    """Else what one variable holds could read any other."""
    result, complaints = expand("${A}", {"A": "${HOME}"}, 100)
    assert (result.text, complaints) == ("${HOME}", [])


@pytest.mark.parametrize(
    ("text", "complaint", "at"),
    [
        ("x ${NONE}", "${NONE} is not set; set it, or write ${NONE:-...} with a default", 2),
        ("${a b}", "'${a b}' is not a variable; variables are", 0),
        ("${A:=x}", "did you mean ${A:-x}?", 0),
        ("${A:x}", "did you mean ${A:-x}?", 0),
        ("${1A}", "'${1A}' is not a variable", 0),
        ("${Ä}", "'${Ä}' is not a variable", 0),
        ("ab ${", "the { of ${ is never closed", 3),
        ("${A:-${B_2}}", "a variable can't hold another {", 0),
        ("${A:-{}}", "a variable can't hold another {", 0),
        ("${MY_TOKEN}", "${MY_TOKEN} can't be used here: its name says that it is a secret", 0),
    ],
)
def test_what_is_no_variable(text, complaint, at):
    _, complaints = expand(text, ENVIRONMENT, 100)
    assert complaint in complaints[0].message
    assert complaints[0].start == at


def test_every_fault_of_a_text_is_told():
    _, complaints = expand("${NONE} ${A} ${1} ${ALSO_NONE}", ENVIRONMENT, 100)
    assert [complaint.start for complaint in complaints] == [0, 13, 18]


def test_bytes_that_are_no_text_are_refused():
    """Python reads them from the environment as halves of characters, which can't be printed."""
    _, complaints = expand("${A}", {"A": "caf\udce9"}, 100)
    assert complaints[0].message.startswith("what ${A} stands for is not text (its value is not")


def test_a_value_that_is_too_long_is_refused():
    _, complaints = expand("${A}${A}", {"A": "x" * 60}, 100)
    assert complaints[0].message == "too long with what ${A} stands for; up to 100 characters"


@pytest.mark.parametrize(
    ("offset", "written"),
    [
        pytest.param(0, 0, id="before any variable"),
        pytest.param(1, 1, id="the first character of a value is the dollar"),
        pytest.param(5, 1, id="so is its last"),
        pytest.param(6, 5, id="behind it"),
        pytest.param(7, 6, id="a plain ${ is its first dollar"),
        pytest.param(8, 6, id="all of it"),
        pytest.param(9, 9, id="at the end"),
    ],
)
def test_where_a_character_is_written(offset, written):
    """In ``a${A}z$${``, which stands for ``aalphaz${``."""
    assert expanded("a${A}z$${").written_offset(offset) == written


@pytest.mark.parametrize(
    "name",
    [
        *("SECRET", "MY_SECRET", "CLIENT_SECRETS", "TOKEN", "GITHUB_TOKEN", "api_token"),
        *("DB_PASSWORD", "PGPASSWORD", "MYSQL_PWD", "PASSWD", "SSH_PASSPHRASE", "API_KEY"),
        *("KEYS", "APIKEY", "MY_APIKEYS", "KEY_2", "TOKEN1", "AWS_CREDENTIALS", "CREDENTIAL"),
        *("SLACK_WEBHOOK", "SLACK_WEBHOOK_URL", "AUTH", "BASIC_AUTH_2", "HTTP_AUTHORIZATION"),
        *("MY_OAUTH", "AUTHENTICATION", "DB_PASS", "JWT", "SENTRY_DSN", "SLACK_HOOK"),
    ],
)
def test_names_of_secrets(name):
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    ["P95_LIMIT", "MONKEY", "KEYBOARD", "AUTHOR", "AUTH_SERVICE_P95", "KEY_PAGES_P95", "_", "HOME"],
)
def test_names_of_no_secrets(name):
    assert not is_secret(name)


SENTINELS = (
    st.text("ZQXJV", min_size=4, max_size=12)
    | st.text("ZQXJV<>=!\"'()*%:+ \n", min_size=6, max_size=12)
    | st.from_regex(r"[1-9]7\.?[3-9]{4}[2-8](ms|s|%|kB|/s)?", fullmatch=True)
    | st.from_regex(
        r"p9[1-8]\.[1-8]{5}( of /?ZQXJ)?( < 7319\w{0,2})?( over 0?7391s?)?", fullmatch=True
    )
)
"""Values that look like nothing in the language, or just like it; none is part of any message."""

PIECES = st.sampled_from(
    [
        *("${X}", "${X}", "${X}s", "${X}%", "p${X}", '"${X}"', "'${X}", "${X:-1}", "$${X}"),
        *("p95", "cpu", "fail_ratio", 'failures("*503*")', "failures(${X})", "p(${X})", "rps"),
        *("of", "of each", "/x", "GET", "<", "<=", "=", "5", "500ms", "1%", "5MB", "and", "surely"),
        *("over", "over 10s", "for", "for ${X}", "after", "ramp-up +", "min_requests", "no_data"),
        *("else", "else stop", "(", ")", "up", "s"),
    ]
)
METRICS = st.sampled_from(["${X}", "p${X}", "p(${X})", "${X}(503)", "p95", "cpu", "failures(${X})"])
LIMITS = st.sampled_from(["${X}", "${X}s", "5%", "5MB", "1s"])
LINES = st.lists(PIECES, min_size=1, max_size=9).map(" ".join) | st.builds(
    "{} < {} {}".format, METRICS, LIMITS, st.sampled_from(["", "over 10s", "over ${X}", "${X}"])
)
KEYS = (
    "name",
    "check",
    "over",
    "for",
    "surely",
    "after",
    "min_requests",
    "no_data",
    "else",
    "because",
)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def errors(content, value):
    try:
        parse_rules(content.encode(), "rules.yaml", {"X": value})
    except RulesError as error:
        return str(error)
    return ""


def leaked(message, value, *written):
    """Pieces of four characters of the value that the message shows, but nobody wrote. Those with
    small letters or spaces are words of the language."""
    pieces = {value[i : i + 4] for i in range(len(value) - 3)}
    telling = [piece for piece in pieces if not re.search(r"[a-z\s]", piece)]
    return [p for p in telling if p in message and not any(p in line for line in written)]


@settings(deadline=None, max_examples=500)
@given(LINES, SENTINELS)
def test_no_message_about_a_line_shows_what_a_variable_stands_for(line, value):
    message = errors(f"rules: [{quoted(line)}]", value)
    assert leaked(message, value, line) == []


@settings(deadline=None, max_examples=500)
@given(st.dictionaries(st.sampled_from(KEYS), LINES, min_size=1), LINES, SENTINELS)
def test_no_message_about_a_mapping_shows_what_a_variable_stands_for(mapping, line, value):
    """Nor one about the same rule twice, about defaults or about what is extended."""
    rule = "{" + ", ".join(f"{key}: {quoted(text)}" for key, text in mapping.items()) + "}"
    defaults = "{over: '${X}', else: '${X}'}"
    extends = "['${X}', './${X}', '${X}.yaml']"
    content = f"extends: {extends}\ndefaults: {defaults}\nrules: [{rule}, {rule}, {quoted(line)}]"
    message = errors(content, value)
    assert "extends" in message
    assert leaked(message, value, line, *mapping.values()) == []


def test_no_message_about_an_extended_file_shows_what_a_variable_stands_for(tmp_path):
    """Neither its name, nor a circle through it, nor a rule that it has too."""
    (tmp_path / "zqxjv").mkdir()
    (tmp_path / "zqxjv" / "bad.yaml").write_text("extends: ../rules.yaml\nrules: [p95 < 5%]")
    rules = tmp_path / "rules.yaml"
    rules.write_text('extends: ["${X}/bad.yaml", "${X}", "${X}/no.yaml"]\nrules: [p99 < 1s]')
    with pytest.raises(RulesError) as error:
        load_rules(rules, {"X": "zqxjv"})
    assert len(error.value.problems) == 4
    assert "zqxjv" not in str(error.value)


def test_no_message_about_a_clash_shows_what_a_variable_stands_for(tmp_path):
    (tmp_path / "zqxjv.yaml").write_text('rules: [{name: "${X}", check: "p95 of ${X} < 1s"}]')
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        'extends: "${X}.yaml"\nrules: [{name: "${X}", check: rps > 1}, "rps > 2", "rps > ${N}"]'
    )
    with pytest.raises(RulesError, match=r"this rule is given twice") as error:
        load_rules(rules, {"X": "zqxjv", "N": "2"})
    assert "${X}.yaml, line 1, too" in str(error.value)
    assert "zqxjv" not in str(error.value).replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("value", "is_refused"),
    [
        ("postgres://app:hunter2@db/shop", True),
        ("https://:hunter2@example.org", True),
        ("https://example.org:8080/a@b", False),
        ("https://example.org/runbook", False),
    ],
)
def test_addresses_with_a_password_are_refused(value, is_refused):
    _, complaints = expand("see ${WHERE}", {"WHERE": value}, 100)
    assert [complaint.start for complaint in complaints] == [4] * is_refused
    assert not any("hunter2" in complaint.message for complaint in complaints)
