"""The schema of test files for editors accepts what the reader accepts."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from guard.language.testschema import tests_schema as schema

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
GOOD = [
    *sorted((TESTS / "ruletests" / "good").glob("*.test.yaml")),
    *sorted((TESTS / "judging").glob("*.test.yaml")),
    *sorted((ROOT / "rules").glob("*.test.yaml")),
]
VALIDATOR = jsonschema.Draft7Validator(schema())


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(schema())


def test_the_shipped_schema_is_in_step():
    """To bring it in step: locust-guard schema --of tests > rules/tests.schema.json"""
    shipped = (ROOT / "rules" / "tests.schema.json").read_text(encoding="utf-8")
    assert shipped == json.dumps(schema(), indent=2) + "\n"


@pytest.mark.parametrize("file", GOOD, ids=lambda file: str(file.relative_to(ROOT)))
def test_good_files_are_valid_as_an_editor_reads_them(file):
    VALIDATOR.validate(yaml.safe_load(file.read_bytes()))


@pytest.mark.parametrize(
    "name",
    ["series-misspelt", "rules-missing", "keys-missing", "tests-empty", "test-not-a-mapping"],
)
def test_misspelt_and_missing_keys_are_marked(name):
    content = (TESTS / "ruletests" / "bad" / f"{name}.test.yaml").read_bytes()
    assert not VALIDATOR.is_valid(yaml.safe_load(content))


def test_every_key_is_explained():
    for definition in (schema(), *schema()["definitions"].values()):
        for word, taken in definition.get("properties", {}).items():
            assert taken.get("description"), word
