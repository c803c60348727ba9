"""The schema for editors accepts what the reader accepts, and shows what it knows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import ClassVar

import jsonschema
import pytest
import yaml

from guard.engine.metrics import METRICS
from guard.language import grammar
from guard.language.advice import advise
from guard.language.model import FileModel, OptionsModel, RuleModel
from guard.language.options import ACTIONS, NO_DATA_OUTCOMES, OPTIONS
from guard.language.rulefile import parse_rules
from guard.language.schema import EXAMPLES, LINES, rules_schema

ROOT = Path(__file__).parents[2]
GOOD = [
    *sorted((ROOT / "tests" / "rules" / "good").glob("*.yaml")),
    *sorted((ROOT / "examples").rglob("rules.yaml")),
    ROOT / "guard" / "language" / "starter.yaml",
]
SCHEMA = rules_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


class Yaml12(yaml.SafeLoader):
    """Reads YAML 1.2, as the language server of editors does: ``on`` is text there."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, r) for tag, r in found if not tag.endswith(":bool") or first in "tTfF"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_shipped_schema_is_in_step():
    """To bring it in step: locust-guard schema > rules/rules.schema.json"""
    shipped = (ROOT / "rules" / "rules.schema.json").read_text(encoding="utf-8")
    assert shipped == json.dumps(SCHEMA, indent=2) + "\n"


@pytest.mark.parametrize("file", GOOD, ids=lambda file: str(file.relative_to(ROOT)))
def test_good_files_are_valid_as_an_editor_reads_them(file):
    VALIDATOR.validate(yaml.load(file.read_bytes(), Yaml12))  # noqa: S506 - a safe loader


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("rules: ['${METRIC} < 1s']", id="a variable for the metric"),
        pytest.param("rules: ['${METRIC:-p95 of /a} < 1s']", id="a variable with a default"),
        pytest.param("rules: ['p95 of /a < ${LIMIT:-500ms}']", id="a variable for the threshold"),
        pytest.param("rules: ['p95 of ${NAME} ${REST}']", id="variables for most of it"),
        pytest.param("rules: ['${RULE}']", id="a variable for a rule"),
        pytest.param(
            "rules: [{check: 'p${N} < 1', over: '${W}', else: '${E}'}]", id="in a mapping"
        ),
        pytest.param("rules: [{check: avg < 1s, min_requests: '50'}]", id="a number as text"),
        pytest.param("rules: [{check: p95 < 1s, surely: true}]", id="surely, as often as usual"),
        pytest.param("defaults: {surely: 7d}\nrules: [p95 < 1s]", id="surely, at times"),
        pytest.param("rules: [{check: avg < 1s, name: 5, because: yes}]", id="texts like others"),
        pytest.param('rules: [\'failures("a < b") of "x y" == 0\']', id="quotes"),
        pytest.param("rules: ['failures( *503* ) of x<=0']", id="no blanks, and some"),
        pytest.param("rules: [p0 > 1ms, p100.0 < 9s, p99.99 < 1s]", id="percentiles"),
        pytest.param("extends: smoke\nrules: [avg < 1s]", id="one pack"),
        pytest.param("extends: [ci, ../own.yaml]\nrules: [avg < 1s]", id="packs and files"),
    ],
)
def test_what_is_valid(content):
    VALIDATOR.validate(yaml.safe_load(content))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("[p95 < 1s]", id="a list at the top"),
        pytest.param("rules: p95 < 1s", id="a text for the list"),
        pytest.param("rule: [p95 < 1s]", id="an unknown key at the top"),
        pytest.param("rules: [p955 < 1s]", id="an unknown percentile"),
        pytest.param("rules: [p100.5 < 1s]", id="a percentile above 100"),
        pytest.param("rules: [latency < 1s]", id="an unknown metric"),
        pytest.param("rules: [fail_ratios < 1%]", id="a metric with a tail"),
        pytest.param("rules: ['pings of ${X} < 1']", id="an unknown metric beside a variable"),
        pytest.param("rules: [p95 of /a]", id="no comparison"),
        pytest.param("rules: [p95 = 1s]", id="no comparison that there is"),
        pytest.param("rules: [p95 <]", id="no threshold"),
        pytest.param("rules: [5]", id="a number for a rule"),
        pytest.param("rules: [{over: 10s}]", id="a rule without a check"),
        pytest.param("rules: [{check: avg < 1s, ovr: 10s}]", id="a misspelt key"),
        pytest.param("rules: [{check: avg < 1s, over: 10}]", id="a time without a unit"),
        pytest.param("rules: [{check: avg < 1s, for: 0s}]", id="no time at all"),
        pytest.param("rules: [{check: avg < 1s, over: 12:30:00}]", id="a time of YAML"),
        pytest.param("rules: [{check: p95 < 1s, surely: often}]", id="surely, no time"),
        pytest.param("rules: [{check: avg < 1s, after: rampup}]", id="no start"),
        pytest.param("rules: [{check: avg < 1s, min_requests: 1.5}]", id="half a request"),
        pytest.param("rules: [{check: avg < 1s, min_requests: -1}]", id="fewer than none"),
        pytest.param("rules: [{check: avg < 1s, else: stopp}]", id="an unknown action"),
        pytest.param("rules: [{check: avg < 1s, no_data: error}]", id="no outcome of a rule"),
        pytest.param("rules: [{check: avg < 1s, over: }]", id="a key without its value"),
        pytest.param("defaults: {name: x}\nrules: [avg < 1s]", id="a name for all"),
        pytest.param("extends: {a: b}\nrules: [avg < 1s]", id="a mapping of packs"),
    ],
)
def test_what_is_not_valid(content):
    assert not VALIDATOR.is_valid(yaml.safe_load(content))


@pytest.mark.parametrize("model", [FileModel, OptionsModel, RuleModel])
def test_every_key_is_described(model):
    schema = SCHEMA if model is FileModel else SCHEMA["definitions"][model.__name__]
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert keys <= set(schema["properties"])
    for taken in schema["properties"].values():
        assert taken["description"]
        assert len(taken) > 1


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_an_example(name):
    assert EXAMPLES[name].startswith(name)


@pytest.mark.parametrize("example", EXAMPLES.values())
def test_the_examples_are_checks(example):
    check, options, complaints = grammar.parse(example)
    assert check is not None
    assert not options.given()
    assert not complaints


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_the_lines_on_offer_are_rules_that_nothing_is_said_against(line):
    assert advise(parse_rules(f"rules: ['{line}']".encode(), "rules.yaml")) == []


def test_every_word_of_a_choice_is_explained():
    options = SCHEMA["definitions"]["OptionsModel"]["properties"]
    for word, words in (("else", ACTIONS), ("no_data", NO_DATA_OUTCOMES)):
        choice = options[word]["anyOf"][0]
        assert choice["enum"] == list(words)
        assert len(choice["enumDescriptions"]) == len(words)
    assert set(options) == set(OPTIONS)


def test_the_patterns_are_those_of_javascript_too():
    """Which knows no possessive or named groups of Python's, and no needless escapes."""
    patterns = re.findall(r'"pattern": (".*")', json.dumps(SCHEMA, indent=1))
    assert patterns
    for pattern in map(json.loads, patterns):
        assert not re.search(r"\(\?[P<>#(]|\\[\"'<>=!%/#@&~, -]|\\[AZ]", pattern)
