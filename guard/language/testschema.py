"""The JSON schema of test files, as an editor needs it; see :mod:`guard.language.schema`."""

from __future__ import annotations

from guard.language.expectation import NEVER, NO_DATA, OUTCOMES, RULE_KEYS, RUN_KEYS, STATES
from guard.language.schema import Schema, rules_schema
from guard.language.testexpect import EXPECT_KEYS, EXPECTED_RULE_KEYS
from guard.language.testfile import FILE_KEYS, TEST_KEYS
from guard.language.testrun import SERIES_KEYS, VITALS

_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_SERIES: Schema = {
    "type": ["string", "number"],
    "examples": ["50x60", "100x30 900x30", "10..50x9", "_x5"],
}
_MOMENT: Schema = {"type": "string", "examples": ["40s", NEVER]}
_VALUE: Schema = {"type": ["string", "number"], "examples": ["900ms", "2%", NO_DATA]}

_VALUES: dict[str, Schema] = {
    "name": _TEXT,
    "ramp_up": {"type": "string", "examples": ["5s", NEVER]},
    "series": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/Series"}},
    "expect": {"$ref": "#/definitions/Expect"},
    "entry": _TEXT,
    "failure": _TEXT,
    **dict.fromkeys(("rps", "response_time", "failures", "content_length", *VITALS), _SERIES),
    "outcome": {"type": "string", "enum": list(OUTCOMES)},
    "state": {"type": "string", "enum": list(STATES)},
    **dict.fromkeys(("stopped_at", "at", "pending_at", "recovered_at"), _MOMENT),
    **dict.fromkeys(("value", "worst", "evidence"), _VALUE),
    "requests": {"type": "integer", "minimum": 0},
    "reason": {"type": "string", "examples": ["*p95 of POST /checkout was 900 ms*"]},
}
"""What a key takes, wherever it stands."""


def tests_schema() -> Schema:
    """The schema, in the draft that editors know best. It has that of rules files in it."""
    rules = rules_schema()
    own, expected_rule = rules["properties"], {"$ref": "#/definitions/ExpectedRule"}
    known = {"$ref": "#/definitions/State"}
    of_rule = {"anyOf": [known, expected_rule, {"type": "array", "items": expected_rule}]}
    taken: dict[str, Schema] = {
        "rules": {"anyOf": [{"type": "string", "examples": ["rules.yaml", "ci"]}, own["rules"]]},
        "extends": own["extends"],
        "defaults": own["defaults"],
        "environment": {"type": "object", "additionalProperties": _TEXT},
        "tests": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/Test"}},
    }
    return {
        "$schema": rules["$schema"],
        "title": "Tests of rules",
        **_object(FILE_KEYS, taken, ("tests",)),
        "anyOf": [{"required": ["rules"]}, {"required": ["extends"]}],
        "definitions": {
            **{word: rules["definitions"][word] for word in ("OptionsModel", "RuleModel")},
            "Test": _object(TEST_KEYS, _VALUES, ("name", "series", "expect")),
            "Series": _object(SERIES_KEYS, _VALUES),
            "State": _VALUES["state"],
            "Expect": {
                **_object(
                    EXPECT_KEYS,
                    {**_VALUES, "rules": {"type": "object", "additionalProperties": of_rule}},
                ),
                "minProperties": 1,
            },
            "ExpectedRule": _object(EXPECTED_RULE_KEYS, _VALUES),
        },
    }


def _object(
    meanings: dict[str, str], taken: dict[str, Schema], required: tuple[str, ...] = ()
) -> Schema:
    keys = {**RUN_KEYS, **RULE_KEYS}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {
            word: {"description": _described(meaning, keys[word].takes if word in keys else "")}
            | taken[word]
            for word, meaning in meanings.items()
        },
    }


def _described(meaning: str, takes: str) -> str:
    return f"{meaning}; {takes}" if takes else meaning
