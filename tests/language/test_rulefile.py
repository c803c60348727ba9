"""Rules files: what is read from good ones, and the exact message for each bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

import guard
from guard.language.errors import RulesError
from guard.language.rulefile import find_rules, load_rules, parse_rules
from guard.rule import Action, Check, Comparison, Outcome, Rule, Selection, Start, Unit

FILES = Path(__file__).parents[1] / "rules"
BAD = sorted((FILES / "bad").glob("*.yaml"))
GOOD = sorted((FILES / "good").glob("*.yaml"))
ENVIRONMENT = {
    "EMPTY": "",
    "FOLDER": "extended",
    "LIMIT": "limit-that-nobody-must-see",
    "METRIC": "cpu",
    "NUMBER": "5",
}
"""What the variables in the files stand for."""


@pytest.fixture
def in_bad(monkeypatch):
    """Work where the bad files are, so that messages name those that they extend as users would."""
    monkeypatch.chdir(FILES / "bad")


@pytest.mark.usefixtures("in_bad")
@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_each_bad_file_gives_exactly_its_message(file):
    """The messages of NAME.yaml stand in NAME.expected beside it, a line each."""
    with pytest.raises(RulesError) as error:
        load_rules(file.name, ENVIRONMENT)
    assert f"{error.value}\n" == file.with_suffix(".expected").read_text(encoding="utf-8")


@pytest.mark.usefixtures("in_bad")
@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_positions_lie_within_the_file(file):
    with pytest.raises(RulesError) as error:
        load_rules(file.name, ENVIRONMENT)
    for problem in error.value.problems:
        assert_lies_within(problem.place, ENVIRONMENT)


def assert_lies_within(place, environment):
    path = place.file.replace("${FOLDER}", environment["FOLDER"])
    lines = Path(path).read_bytes().decode("utf-8", "replace").split("\n")
    assert 1 <= place.line <= len(lines)
    assert 1 <= place.column <= len(lines[place.line - 1]) + 1


def test_expected_messages_have_a_file_and_files_a_message():
    expected = {file.stem for file in (FILES / "bad").glob("*.expected")}
    assert expected == {file.stem for file in BAD}


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_each_rule_of_a_good_file_prints_to_a_line_that_reads_back_to_it(file):
    for rule in load_rules(file, ENVIRONMENT):
        line = str(rule).replace("'", "''")
        (again,) = parse_rules(f"rules: ['{line}']".encode(), "again")
        assert str(again) == str(rule)
        assert again.check == rule.check
        assert (again.over, again.hold, again.after, again.action) == (
            rule.over,
            rule.hold,
            rule.after,
            rule.action,
        )


P95 = Check("p95", Unit.MILLISECONDS, Comparison.LESS, 500.0, Selection("/checkout", "POST"))


def test_the_mapping_form_has_every_option():
    content = b"""
rules:
  - name: Checkout is fast
    check: p95 of POST /checkout < 500ms
    over: 10s
    for: 5s
    after: ramp-up + 1m
    min_requests: 50
    no_data: fail
    else: stop
    because: Checkout SLO
"""
    assert parse_rules(content, "rules.yaml") == (
        Rule(
            name="Checkout is fast",
            check=P95,
            over=10.0,
            hold=5.0,
            after=Start(60.0, ramp_up=True),
            min_requests=50,
            no_data=Outcome.FAIL,
            action=Action.STOP,
            because="Checkout SLO",
            named=True,
        ),
    )


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("p95 of POST /checkout < 500ms surely", 30),
        ("p95 of POST /checkout < 500ms surely else stop", 30),
        ("p95 of POST /checkout < 500ms surely 7d", 7),
        ("p95 of POST /checkout < 500ms surely 1d12h after 10s", 1.5),
        ("{check: p95 of POST /checkout < 500ms, surely: true}", 30),
        ("{check: p95 of POST /checkout < 500ms, surely: 36h}", 1.5),
    ],
)
def test_how_rare_a_false_stop_is(rule, days):
    (found,) = parse_rules(f"rules:\n  - {rule}\n".encode(), "rules.yaml")
    assert found.check == P95
    assert found.surely == days * 86_400
    (again,) = parse_rules(f"rules:\n  - {found}\n".encode(), "rules.yaml")
    assert again.surely == found.surely


@pytest.mark.parametrize(
    ("defaults", "rule", "line"),
    [
        pytest.param("surely: true", "p95 < 1s", "p95 < 1s surely", id="surely"),
        pytest.param("surely: true", "p95 < 1s surely 7d", "p95 < 1s surely 7d", id="so often"),
        pytest.param("surely: true", "{check: p95 < 1s, surely: false}", "p95 < 1s", id="not so"),
        pytest.param(
            "surely: 7d", "{check: p95 < 1s, surely: 'False', over: 9s}", "p95 < 1s over 9s",
            id="not so, but in a window",
        ),
        pytest.param("over: 9s", "{check: avg < 1s, surely: false}", "avg < 1s over 9s", id="nor"),
        pytest.param("surely: true", "p95 < 1s for 9s", "p95 < 1s for 9s", id="held"),
        pytest.param("surely: true", "avg < 1s", "avg < 1s", id="about no share"),
        pytest.param("surely: true", "p0 < 1s", "p0 < 1s", id="never to be proven"),
        pytest.param("surely: true", "cpu < 90%", "cpu < 90%", id="on the run"),
        pytest.param(
            "over: 10s, for: 5s, min_requests: 5, after: 1s", "p95 < 1s surely",
            "p95 < 1s surely after 1s", id="surely in spite of a window",
        ),
    ],
)  # fmt: skip
def test_a_rule_takes_no_default_that_means_nothing_beside_surely(defaults, rule, line):
    content = f"defaults: {{{defaults}}}\nrules: [{rule}]"
    (found,) = parse_rules(content.encode(), "rules.yaml")
    assert str(found) == line


def test_defaults_fill_what_a_rule_leaves_out_and_nothing_else():
    content = b"""
defaults: {over: 10s, for: 2s, after: 5s, min_requests: 7, no_data: pass, else: warn}
rules:
  - p95 of POST /checkout < 500ms over 30s
  - {check: p95 of POST /checkout < 500ms, after: 0s, else: stop}
"""
    first, second = parse_rules(content, "rules.yaml")
    rest = {"check": P95, "hold": 2.0, "min_requests": 7, "no_data": Outcome.PASS}
    assert first == Rule(name=str(first), over=30.0, after=Start(5.0), action=Action.WARN, **rest)
    assert second == Rule(name=str(second), over=10.0, after=Start(), action=Action.STOP, **rest)


def test_without_a_name_a_rule_is_called_by_its_check_or_its_whole_line():
    content = b"rules: [p95 < 1s, p99 < 1s over 10s, p99 < 1s over 20s]"
    assert [rule.name for rule in parse_rules(content, "rules.yaml")] == [
        "p95 < 1s",
        "p99 < 1s over 10s",
        "p99 < 1s over 20s",
    ]


@pytest.mark.parametrize(
    ("line", "requests"),
    [("rps > 5", 0), ("requests > 5", 0), ("failures < 5", 1), ("p95 < 1s", 1)],
)
def test_metrics_that_count_requests_read_zero_without_any(line, requests):
    """Only they need no request to have a reading, unless the file asks for some."""
    (rule,) = parse_rules(f"rules: [{line}]".encode(), "rules.yaml")
    assert rule.min_requests == requests
    (asks,) = parse_rules(f"rules: [{{check: {line}, min_requests: 9}}]".encode(), "rules.yaml")
    assert asks.min_requests == 9


def test_a_file_too_large_is_refused_before_it_is_parsed():
    with pytest.raises(RulesError, match=r"^rules.yaml:1:1: too large for a rules file"):
        parse_rules(b"#" * 2_000_000, "rules.yaml")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RulesError, match=r"no\.yaml:1:1: can't be read: No such file"):
        guard.load_rules(tmp_path / "no.yaml")


def test_rules_are_looked_for_folder_by_folder(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    assert find_rules([first, second]) is None
    for file in (second / "rules.yml", second / "rules.yaml", first / "rules.yml"):
        file.touch()
        assert find_rules([first, second]) == file


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("""- max of "/it's" < 10%""", id="plain"),
        pytest.param("""- 'max of "/it''s" < 10%'""", id="a quote in single quotes"),
        pytest.param(r'''- "max of \"/a\" < 10%"''', id="quotes in double quotes"),
        pytest.param(r'''- "max of /\u0061\x62 < 10%"''', id="characters by number"),
    ],
)
def test_columns_are_those_of_the_file_whatever_yaml_makes_of_the_text(line):
    with pytest.raises(RulesError) as error:
        parse_rules(f"rules:\n{line}".encode(), "rules.yaml")
    (problem,) = error.value.problems
    assert problem.place.line == 2
    assert line[problem.place.column - 1 :].startswith("10%")


def test_defaults_do_not_blind_rules_that_count_requests():
    """They must notice that there is none."""
    (rule,) = parse_rules(b"defaults: {min_requests: 20}\nrules: [rps > 5]", "rules.yaml")
    assert rule.min_requests == 0


def test_a_folder_is_no_rules_file(tmp_path):
    with pytest.raises(RulesError, match="can't be read: it is not a file"):
        guard.load_rules(tmp_path)


def test_a_link_to_nowhere_is_not_passed_over(tmp_path):
    (tmp_path / "rules.yaml").symlink_to(tmp_path / "gone")
    assert find_rules([tmp_path]) == tmp_path / "rules.yaml"


def test_a_value_too_long_is_refused():
    with pytest.raises(RulesError, match=r"^rules.yaml:1:9: too long for a value, which has up to"):
        parse_rules(b"rules: [p95 of /" + b"x" * 1000 + b" < 1s]", "rules.yaml")


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(b"- p95 of ${LONG} < %d\n", id="of variables"),
        pytest.param(b"- *long # %d\n", id="of aliases"),
    ],
)
def test_a_file_that_grows_too_large_is_refused(rule):
    """It is small as it is written."""
    rules = b"".join(rule % n for n in range(60))
    content = b"x: &long " + b"y" * 900 + b"\nrules:\n" + rules
    with pytest.raises(
        RulesError, match=r"too large for a rules file once all variables and alias"
    ):
        parse_rules(content, "rules.yaml", {"LONG": "x" * 900})


def test_the_environment_is_that_of_the_process_unless_another_is_given(tmp_path, monkeypatch):
    (tmp_path / "rules.yaml").write_text('rules: ["rps > ${REQUESTS}"]')
    monkeypatch.setenv("REQUESTS", "7")
    (rule,) = guard.load_rules(tmp_path / "rules.yaml")
    assert rule.check.threshold == 7
    (rule,) = guard.load_rules(tmp_path / "rules.yaml", {"REQUESTS": "8"})
    assert rule.check.threshold == 8
