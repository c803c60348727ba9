"""The documentation leaves nothing of the language out, and every rule in it is one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner
from locust.argument_parser import LocustArgumentParser
from locust.contrib.fasthttp import LocustBadStatusCode
from locust.stats import StatsError
from pydantic import BaseModel

from guard import events, plugin
from guard.cli import main, replay
from guard.effects.ci import SERVICES
from guard.effects.report_files import KINDS
from guard.engine.metrics import METRICS
from guard.language import units
from guard.language.advice import advise
from guard.language.grammar import COMPARISONS
from guard.language.model import DestinationModel, FileModel, RuleModel
from guard.language.occasions import OCCASIONS
from guard.language.options import ACTIONS, NO_DATA_OUTCOMES, OPTIONS
from guard.language.rulefile import parse_rules
from guard.language.series import series
from guard.language.testexpect import EXPECT_KEYS, EXPECTED_RULE_KEYS
from guard.language.testfile import FILE_KEYS, TEST_KEYS
from guard.language.testrun import SERIES_KEYS
from guard.rule import Basis, Rule, Unit, matches

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RULES = ROOT / "rules.yaml"
REPORTS = ROOT / "docs" / "reports.md"
MIGRATION = ROOT / "docs" / "from-other-tools.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
ENVIRONMENT = {"SEARCH_P99": "3s", "MAX_FAIL_RATIO": "2%"}
"""What the ``${NAME}`` of the documentation stand for while it is tested."""

TOOLS = [
    "k6",
    "Taurus",
    "Yandex Tank",
    "JMeter AutoStop",
    "Gatling",
    "Artillery",
    "Azure Load Testing",
    "locust-plugins and Locust's recipes",
]
RULE_COLUMN = "locust-guard"
"""Head of the columns whose cells are rules."""

UNITS = {
    "time": {Unit.MILLISECONDS, Unit.SECONDS},
    "ratio": {Unit.RATIO},
    "rate": {Unit.RATE},
    "size": {Unit.BYTES},
    "count": {Unit.COUNT},
}
"""What the documentation calls the units."""


@dataclass(frozen=True)
class Table:
    """A table of a page: under which heading it stands, its heads, and its cells row by row."""

    heading: str
    heads: list[str]
    rows: list[list[str]]

    def cells(self, head: str) -> list[str]:
        return [row[self.heads.index(head)] for row in self.rows]


def tables(page: Path) -> list[Table]:
    found: list[Table] = []
    heading, lines = "", []
    for line in [*without_blocks(page).splitlines(), ""]:
        if line.startswith("|"):
            lines.append([cell.strip() for cell in line.strip().strip("|").split("|")])
            continue
        if lines:
            heads, _, *rows = lines
            found.append(Table(heading, heads, rows))
            lines = []
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
    return found


def without_blocks(page: Path) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def reference(head: str, heading: str = "") -> dict[str, list[str]]:
    """The rows of the README's table that begins with that head, by each code in their first
    cells."""
    (table,) = [
        table
        for table in tables(README)
        if table.heads[0] == head and heading in ("", table.heading)
    ]
    return {code: row for row in table.rows for code in codes(row[0])}


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def words(head: str, heading: str = "") -> list[str]:
    """Which words a table explains: the first of each code, without what follows it."""
    return [re.split(r"[ (]", code)[0] for code in reference(head, heading)]


def keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def metrics_on(*bases: Basis) -> set[str]:
    return {name for name, metric in METRICS.items() if metric.basis in bases}


def rules_in(line: str) -> tuple[Rule, ...]:
    """The rule of a single line, put into a file as it stands."""
    return parse_rules(f"rules:\n  - {line}\n".encode(), str(RULES))


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_every_metric_of_requests_has_a_row():
    assert set(words("metric", "Metrics of requests")) == metrics_on(
        Basis.REQUESTS, Basis.TALLY
    ) | {"pN"}


def test_every_metric_of_the_run_has_a_row():
    assert set(words("metric", "Metrics of the run")) == metrics_on(Basis.RUN)


def test_the_metrics_that_take_a_failure_text_are_shown_with_one():
    with_text = {
        code.partition("(")[0]
        for code in reference("metric", "Metrics of requests")
        if code.endswith('("TEXT")')
    }
    assert with_text == {name for name, metric in METRICS.items() if metric.of_failures}


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_has_its_unit(name):
    rows = reference("metric", "Metrics of requests") | reference("metric", "Metrics of the run")
    assert METRICS[name].unit in UNITS[rows[name][1]]


def test_every_comparison_has_a_row():
    assert set(reference("comparison")) == set(COMPARISONS)


def test_every_option_of_a_run_has_a_row_with_its_variable():
    parser = LocustArgumentParser(add_help=False)
    plugin._add_options(parser)
    expected = {
        option: f"`{action.env_var}`"
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--guard-")
    }
    rows = {code.split()[0]: row[1] for code, row in reference("option", "Use it").items()}
    assert rows == expected


def test_every_option_that_is_shown_is_one():
    parser = LocustArgumentParser(add_help=False)
    plugin._add_options(parser)
    shown = {word for page in PAGES for word in re.findall(r"--guard-[a-z-]+", page.read_text())}
    assert shown <= {option for action in parser._actions for option in action.option_strings}


def test_every_ci_service_has_a_row():
    (table,) = [table for table in tables(README) if table.heads[0] == "service"]
    named = {code: row[0] for row in table.rows for code in codes(row[1])}
    assert named == {name: service.title for name, service in SERVICES.items()}


def test_every_option_of_replay_has_a_row():
    given = [option for parameter in replay.params for option in parameter.opts]
    rows = reference("option", "Try rules on a run that is over")
    assert [code.split()[0] for code in rows] == [name for name in given if name[:2] == "--"]


def test_every_option_has_a_row():
    assert set(words("option", "Options")) == set(OPTIONS)


def test_every_action_has_a_row():
    assert set(reference("action")) == set(ACTIONS)


def test_every_outcome_for_no_data_is_in_its_row():
    assert set(codes(reference("option", "Options")["no_data OUTCOME"][2])) == set(NO_DATA_OUTCOMES)


def test_every_key_of_the_file_has_a_row():
    assert set(reference("key of the file")) == keys(FileModel)


def test_every_key_of_a_rule_has_a_row():
    assert set(reference("key of a rule")) == keys(RuleModel)


def test_every_key_of_a_destination_has_a_row():
    assert set(reference("key of a destination")) == keys(DestinationModel)


def test_every_occasion_has_a_row_that_says_it():
    rows = {word: row[1] for word, row in reference("on").items()}
    said = {word: f"{meaning[0].upper()}{meaning[1:]}." for word, meaning in OCCASIONS.items()}
    assert rows == said


def test_every_event_has_a_row():
    assert set(reference("event")) == set(events.__all__)


def test_every_pack_has_a_row():
    files = {file.name.split(".")[0] for file in (ROOT / "rules").glob("*.yaml")}
    assert set(reference("pack")) == files


@pytest.mark.parametrize("word", UNITS)
def test_what_the_reference_writes_in_a_unit_is_in_that_unit(word):
    (table,) = [table for table in tables(README) if table.heads[0] == "unit"]
    (written,) = [row[1] for row in table.rows if row[0] == word]
    assert codes(written)
    for text in codes(written):
        for unit in UNITS[word]:
            assert units.threshold(text, unit, "the metric") >= 0


def test_every_unit_of_the_verdict_file_is_explained():
    (sentence,) = re.findall(r"`unit` is (.+?)\. ", README.read_text(encoding="utf-8"), re.S)
    assert set(codes(sentence)) == {unit.value for unit in Unit}


def test_every_way_to_select_requests_is_one():
    selections = [code for code in reference("written") if code != "of"]
    assert len(selections) > 5
    for selection in selections:
        assert str(rules_in(f"p95 {selection} < 1s")[0].check.selection)


def yaml_blocks() -> list[object]:
    """The YAML blocks of all pages that are rules files."""
    blocks = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```yaml\n(.*?)^```$", text, re.M | re.S):
            is_test = re.search(r"^tests:", match[1], re.M)
            if re.search(r"^(rules|extends):", match[1], re.M) and not is_test:
                line = text[: match.start()].count("\n") + 2
                blocks.append(pytest.param(match[1], id=f"{page.name} line {line}"))
    return blocks


def test_there_are_blocks_to_load():
    assert len(yaml_blocks()) >= 2


@pytest.mark.parametrize("block", yaml_blocks())
def test_every_rules_file_shown_loads(block):
    assert parse_rules(block.encode(), str(RULES))


def test_every_key_of_a_test_file_has_a_row_or_is_shown():
    assert {*reference("key of a series")} == {*SERIES_KEYS}
    assert {*reference("key of `expect`")} == {*EXPECT_KEYS, *EXPECTED_RULE_KEYS}
    readme = README.read_text(encoding="utf-8")
    for key in {*FILE_KEYS, *TEST_KEYS}:
        assert f"`{key}" in readme or f"{key}:" in readme


def test_every_part_of_a_series_that_is_shown_is_one():
    seconds = {code: series(code, Unit.RATE).seconds for code in reference("part of a series")}
    assert seconds == {"50": 1, "50x60": 60, "50x1m": 60, "10..50x9": 9, "_": 1, "_x5": 5}


def test_the_test_that_is_shown_prints_what_is_shown(tmp_path, monkeypatch):
    """On the rules at the top of the page."""
    text = README.read_text(encoding="utf-8")
    rules, *_ = re.findall(r"^```yaml\n# rules.yaml.*?\n(.*?)^```$", text, re.M | re.S)
    (test,) = re.findall(r"^```yaml\n(# shop.test.yaml\n.*?)^```$", text, re.M | re.S)
    (shown,) = re.findall(r"^```\n(FAIL .*?)^```$", text, re.M | re.S)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(rules)
    (tmp_path / "shop.test.yaml").write_text(test)
    result = CliRunner().invoke(main, ["test"])
    assert (result.output, result.exit_code) == (shown, 1)


def rule_cells() -> list[object]:
    """The cells of all pages that hold rules, each with the tool that it is for."""
    return [
        pytest.param(cell, id=f"{table.heading} {cell}")
        for page in PAGES
        for table in tables(page)
        if RULE_COLUMN in table.heads
        for cell in table.cells(RULE_COLUMN)
    ]


@pytest.mark.parametrize("cell", rule_cells())
def test_every_rule_shown_beside_another_tools_is_one(cell):
    assert codes(cell)
    assert re.sub(r"`[^`]+`", "", cell).strip() in ("", "and")
    for line in codes(cell):
        assert len(rules_in(line)) == 1


@pytest.mark.parametrize("cell", rule_cells())
def test_no_rule_shown_beside_another_tools_draws_a_warning(cell):
    """They go into a rules file as they stand, and ``check --strict`` lets them."""
    for line in codes(cell):
        assert [warned.message for warned in advise(rules_in(line))] == []


@pytest.mark.parametrize("block", yaml_blocks())
def test_no_rules_file_shown_draws_a_warning(block):
    assert [warned.message for warned in advise(parse_rules(block.encode(), str(RULES)))] == []


def rules_in_prose() -> list[str]:
    """What reads as a whole rule in the sentences of all pages."""
    a_rule = rf"(?:p\d\S*|{'|'.join(METRICS)})\b[^<>=]* (?:[<>]=?|[=!]=) .+"
    prose = [re.sub(r"^\|.*$", "", without_blocks(page), flags=re.M) for page in PAGES]
    return [code for text in prose for code in codes(text) if re.fullmatch(a_rule, code)]


@pytest.mark.parametrize("line", rules_in_prose())
def test_a_rule_in_a_sentence_is_one(line):
    assert len(rules_in(line)) == 1


def failure_texts() -> list[str]:
    """What Locust calls the failures that the documentation has patterns for."""
    import requests  # after Locust, which patches what it uses

    failures: list[Exception | str] = ["no token", ConnectionRefusedError(111, "refused")]
    for code, reason in ((404, "Not Found"), (500, "Internal"), (503, "Service Unavailable")):
        answer = requests.Response()
        answer.status_code, answer.reason, answer.url = code, reason, "/checkout"
        with pytest.raises(requests.HTTPError) as error:
            answer.raise_for_status()
        failures += [error.value, LocustBadStatusCode("/checkout", code=code)]
    failures.append(requests.ReadTimeout("Read timed out. (read timeout=0.2)"))
    return [StatsError.parse_error(failure) for failure in failures]


def test_every_pattern_for_failures_matches_a_failure_of_locusts():
    shown = [code for page in PAGES for code in codes(without_blocks(page))]
    patterns = {text for code in shown for text in re.findall(r'fail\w+\("(.+?)"\)', code)}
    patterns |= {code.strip('"') for code in shown if re.fullmatch(r'"\*[^"]+"', code)}
    patterns.remove("TEXT")
    assert len(patterns) > 5
    for pattern in patterns:
        assert any(matches(pattern, text) for text in failure_texts()), pattern


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_has_at_least_five_thresholds_beside_their_rules(tool):
    (table,) = [table for table in tables(MIGRATION) if table.heading == tool]
    assert table.heads[1:] == [RULE_COLUMN]
    theirs = [cell for cell in table.cells(table.heads[0]) if codes(cell)]
    assert len(set(theirs)) == len(table.rows) >= 5


def test_no_tool_is_forgotten():
    headings = [table.heading for table in tables(MIGRATION)]
    assert headings == TOOLS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_table_has_no_word_that_makes_it_too_wide(page):
    """A line is broken at spaces only, and a page is about 90 characters wide."""
    cells = [cell for table in tables(page) for row in table.rows for cell in row]
    assert [word for cell in cells for word in cell.split() if len(word) > 60] == []


def links() -> list[object]:
    """The links of all pages to files and headings of this repository."""
    return [
        pytest.param(page, target, id=f"{page.name} {target}")
        for page in PAGES
        for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(page))
        if "://" not in target
    ]


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "target"), links())
def test_a_link_leads_somewhere(page, target):
    file, _, anchor = target.partition("#")
    destination = (page.parent / file) if file else page
    assert destination.exists()
    assert not anchor or anchor in anchors(destination)


def test_every_kind_of_report_is_shown():
    page = REPORTS.read_text(encoding="utf-8")
    for shown in (*(f"`--guard-{kind}`" for kind in KINDS), "`notify`"):
        assert re.search(rf"^## .*{shown}$", page, re.MULTILINE)
    for service in SERVICES.values():
        assert f"\n## {service.title}\n" in page


def test_the_reports_that_are_shown_tell_the_same_of_a_run():
    page = REPORTS.read_text(encoding="utf-8")
    parts = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    in_json = next(text for heading, text in parts.items() if "--guard-json" in heading)
    reason = json.loads(re.search(r"```json\n(.*?)```", in_json, re.DOTALL)[1])["reason"]
    for named in ("terminal", "--guard-junit", "notify"):
        (text,) = (unescape(text) for heading, text in parts.items() if named in heading)
        assert reason in text


def test_every_promise_on_modes_and_faults_has_a_test_and_every_test_its_promise():
    """The tests read what they expect from the page; see tests/live/documented.py."""
    sources = "".join(file.read_text() for file in (ROOT / "tests" / "live").glob("test_*.py"))
    shown = re.findall(r'\bpromised\(\s*"([^"]+)"', sources)
    promised = [
        row[0] for table in tables(ROOT / "docs" / "modes-and-faults.md") for row in table.rows
    ]
    assert len(promised) == len(set(promised))
    assert set(shown) == set(promised)


def test_the_oldest_supported_locust_is_named():
    """The README says what the package asks for."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    oldest = re.search(r'"locust>=(.+)",', pyproject)[1]
    assert f"Locust {oldest}, the oldest" in README.read_text(encoding="utf-8")
