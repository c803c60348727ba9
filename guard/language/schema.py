"""The JSON schema of a rules file, as an editor needs it.

It comes from the file's model, but the model sees every value as text, where an editor's YAML
makes numbers and booleans of some. It is looser than the reader: an editor is not the judge.
"""

from __future__ import annotations

import re
from typing import Any

from guard.engine import metrics
from guard.language.model import FileModel
from guard.language.occasions import OCCASIONS
from guard.language.options import ACTIONS, NO_DATA_OUTCOMES, OPTIONS
from guard.language.packs import PACKS
from guard.language.units import TIME_PATTERN

Schema = dict[str, Any]

EXAMPLES: dict[str, str] = {
    "fail_ratio": "fail_ratio < 1%",
    "p95": "p95 of POST /checkout < 500ms",
    "p99": "p99 of each /search/* < 2s",
    "avg": "avg < 200ms",
    "median": "median < 100ms",
    "max": "max < 10s",
    "min": "min > 1ms",
    "rps": "rps > 50",
    "requests": "requests >= 1000",
    "failures": 'failures("*503*") < 10',
    "fail_per_sec": "fail_per_sec < 5/s",
    "content_length": "content_length of /search < 100kB",
    "users": "users >= 50",
    "workers": "workers >= 4",
    "lost_workers": "lost_workers == 0",
    "cpu": "cpu < 90%",
    "memory": "memory < 2GB",
    "exceptions": "exceptions == 0",
    "silence": "silence < 30s",
}
"""A check of each metric, the most wanted first; each is offered where a rule is written."""

LINES: dict[str, str] = {
    "stop when too many requests fail": (
        "fail_ratio < 10% over 30s for 10s after ramp-up min_requests 20 else stop"
    ),
    "stop when requests are too slow": (
        "p95 of POST /checkout < 500ms over 30s for 10s after ramp-up min_requests 20 else stop"
    ),
    "stop when nothing answers any more": "silence < 30s else stop",
    "don't trust a run whose generator was busy": "cpu < 90% for 30s else void",
}
"""Whole rules by what they are for, offered too."""

_ACTION_MEANINGS = {
    "stop": "stop the run: it failed",
    "finish": "stop the run: it passed",
    "fail": "go on: the run failed",
    "warn": "go on; only say so",
    "void": "go on: the run can't be trusted, so it is inconclusive",
}
_NO_DATA_MEANINGS = {
    "pass": "a rule without data passes",
    "fail": "a rule without data fails the run",
    "inconclusive": "a rule without data leaves the run inconclusive",
}
_VARIABLE = r"\$\{"


def rules_schema() -> Schema:
    """The schema, in the draft that editors know best."""
    schema = FileModel.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    schema["properties"] = {"extends": {}, **schema["properties"]}
    models = schema.pop("$defs")
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_object(schema, {**_VALUES, **_TOP_VALUES}),
        "definitions": {name: _object(model, _VALUES) for name, model in models.items()},
    }


def _object(model: Schema, values: dict[str, Schema]) -> Schema:
    """The model with what its keys take in an editor."""
    return {
        "title": model["title"],
        "description": model["description"],
        "type": "object",
        "additionalProperties": False,
        "required": model.get("required", []),
        "properties": {
            word: {**_described(word, taken), **values.get(word, _as_modelled(taken))}
            for word, taken in model["properties"].items()
        },
    }


def _described(word: str, taken: Schema) -> Schema:
    if word in OPTIONS:
        return {"description": f"{OPTIONS[word].meaning}; {OPTIONS[word].takes}"}
    return {"description": taken["description"]} if "description" in taken else {}


def _as_modelled(taken: Schema) -> Schema:
    """What a key takes, without what the model adds for Python: titles and None."""
    taken = {name: value for name, value in taken.items() if name not in ("title", "default")}
    if kinds := [kind for kind in taken.pop("anyOf", ()) if kind != {"type": "null"}]:
        taken["anyOf"] = kinds
    return taken


def _time(*examples: str) -> Schema:
    """A time longer than none."""
    time = _plain(TIME_PATTERN)
    return {
        "type": "string",
        "pattern": rf"^(?=.*[1-9]){time}$|{_VARIABLE}",
        "patternErrorMessage": f"a time has a unit: {', '.join(examples)}",
        "examples": list(examples),
    }


def _start(*examples: str) -> Schema:
    time = _plain(TIME_PATTERN)
    return {
        "type": "string",
        "pattern": rf"^(?:ramp-up(?:\s*\+\s*{time})?|{time})$|{_VARIABLE}",
        "patternErrorMessage": f"a time, or ramp-up: {', '.join(examples)}",
        "examples": list(examples),
    }


def _one_of(meanings: dict[str, str], words: tuple[str, ...]) -> Schema:
    return {
        "anyOf": [
            {
                "type": "string",
                "enum": list(words),
                "enumDescriptions": [meanings[word] for word in words],
                "markdownEnumDescriptions": [meanings[word] for word in words],
            },
            {"type": "string", "pattern": _VARIABLE},
        ],
    }


def _plain(pattern: str) -> str:
    """The pattern without its groups' numbers, which nobody asks for here."""
    return re.sub(r"\((?!\?)", "(?:", pattern)


def _line_pattern() -> str:
    """A known metric, and a comparison behind it, but where an environment variable stands."""
    named = "|".join(map(re.escape, sorted(metrics.METRICS, reverse=True)))
    percentile = r"p(?:100(?:\.0+)?|(?:0|[1-9]\d?)(?:\.\d+)?)"
    metric = rf"(?:{named}|{percentile})(?=[\s(<>=!])"
    rest = r"\s*(?:\([\s\S]*?\)\s*)?(?:of\s[\s\S]*?)?(?:[<>]=?|[=!]=)\s*[^\s<>=!]"
    variable_first = rf"""[^\s<>=!"'()]*{_VARIABLE}"""
    return rf"^\s*(?:{metric}(?:{rest}|[\s\S]*{_VARIABLE})|{variable_first})"


_TEXT: Schema = {"type": ["string", "number", "boolean"]}

_CHECK: Schema = {
    "type": "string",
    "pattern": _line_pattern(),
    "patternErrorMessage": "a check begins with a metric, such as p95 or fail_ratio, and goes on "
    "with [of REQUEST] < THRESHOLD: p95 of POST /checkout < 500ms",
}


def _meaning(metric: str) -> str:
    found = metrics.find(metric)
    assert found is not None
    return found.meaning.replace(" N ", f" {metric[1:]} ")


_CHECKS: list[Schema] = [
    {"label": example, "description": _meaning(name), "body": example}
    for name, example in EXAMPLES.items()
]
_LINES: list[Schema] = [
    {"label": purpose, "description": line, "body": line} for purpose, line in LINES.items()
]


_VALUES: dict[str, Schema] = {
    "over": _time("10s", "30s", "1m"),
    "for": _time("5s", "10s", "30s"),
    "surely": {
        "anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}, _time("30d", "7d")],
        "examples": ["30d", "7d", True],
    },
    "after": _start("ramp-up", "ramp-up + 10s", "30s"),
    "min_requests": {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": rf"^(?:0|[1-9]\d*)$|{_VARIABLE}"},
        ],
        "examples": [20, 100],
    },
    "no_data": _one_of(_NO_DATA_MEANINGS, NO_DATA_OUTCOMES),
    "else": _one_of(_ACTION_MEANINGS, ACTIONS),
    "check": {**_CHECK, "defaultSnippets": _CHECKS},
    "name": _TEXT,
    "because": _TEXT,
}
"""What a key of a rule or of ``defaults`` takes."""

_ADDRESS: Schema = {
    "type": "string",
    "pattern": rf"^\s*[A-Za-z][A-Za-z0-9+.-]*://|{_VARIABLE}",
    "patternErrorMessage": "an address as Apprise has them, such as slack://..., mailto://..., "
    "json://..., or a variable: ${SLACK_WEBHOOK}",
    "examples": ["${SLACK_WEBHOOK}"],
}
_OCCASION: Schema = _one_of(OCCASIONS, tuple(OCCASIONS))
_VALUES |= {
    "to": {"anyOf": [_ADDRESS, {"type": "array", "items": _ADDRESS, "minItems": 1}]},
    "on": {"anyOf": [_OCCASION, {"type": "array", "items": _OCCASION, "minItems": 1}]},
}

_EXTENDED: Schema = {
    "type": "string",
    "examples": [*PACKS, "../common/rules.yaml"],
}
_TOP_VALUES: dict[str, Schema] = {
    "extends": {
        "description": "rules to take over: packs by name, or other files relative to this one",
        "anyOf": [_EXTENDED, {"type": "array", "items": _EXTENDED}],
    },
    "notify": {
        "type": "array",
        "minItems": 1,
        "items": {"$ref": "#/definitions/DestinationModel"},
    },
    "rules": {
        "type": "array",
        "items": {
            "anyOf": [
                {
                    "description": "METRIC [of [each] REQUEST] < THRESHOLD, then options: "
                    + ", ".join(OPTIONS),
                    **_CHECK,
                    "defaultSnippets": _CHECKS + _LINES,
                },
                {"$ref": "#/definitions/RuleModel"},
            ],
        },
    },
}
"""What a key at the top takes."""
