"""A file with tests of rules: from its text to the rules and the runs that shall show them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from guard.engine.metrics import METRICS
from guard.language import document, draft, grammar
from guard.language.composition import compose_part, content_of
from guard.language.document import Allowance, Document, Location
from guard.language.draft import Extension, Part, told
from guard.language.environment import Expanded
from guard.language.errors import Complaint, Problem, RulesError, did_you_mean, one_of
from guard.language.expectation import (
    NEVER,
    RULE_KEYS,
    RUN_KEYS,
    Expectation,
    Expected,
    ExpectedRule,
    Key,
    Value,
)
from guard.language.nodes import Unreadable
from guard.language.rulefile import rules_of
from guard.language.series import NOTHING, series
from guard.language.units import timespan
from guard.rule import Place, Rule, Unit, method_and_name
from guard.scenario import Scenario, Series, Traffic

FILE_KEYS = {
    "rules": "the rules: a file by its path from this one, a pack by its name, or a list of rules",
    "extends": "packs and files whose rules come before those of a list",
    "defaults": "options for every rule of a list that leaves them out",
    "environment": "what variables stand for, whatever the environment says",
    "tests": "the tests",
}
TEST_KEYS = {
    "name": "what the test shows",
    "ramp_up": f"when all users have been spawned, 0s if not given; or {NEVER}",
    "series": "the run, second by second",
    "expect": "what the rules shall make of it",
}
REQUEST_KEYS = {
    "entry": "the method and name of the requests, GET / if not given",
    "rps": "how many are answered in each second",
    "response_time": "how long each of them takes",
    "failures": "how many of them fail",
    "failure": "the text of these failures",
    "content_length": "the size of each response",
}
EXPECT_KEYS = {**{word: key.meaning for word, key in RUN_KEYS.items()}, "rules": "what each rule "
               "shall come to, by its name"}  # fmt: skip
EXPECTED_RULE_KEYS = {
    "entry": "on which entry, where a rule with each was judged on several",
    **{word: key.meaning for word, key in RULE_KEYS.items()},
}
VITALS = ("users", "workers", "lost_workers", "cpu", "memory", "exceptions")
"""Metrics of the run that can be written as series. Silence follows from the requests."""

_UNITS = {"rps": Unit.RATE, "response_time": Unit.MILLISECONDS, "failures": Unit.COUNT}
_UNITS |= {"content_length": Unit.BYTES, **{name: METRICS[name].unit for name in VITALS}}
SERIES_KEYS = {**REQUEST_KEYS, **{name: METRICS[name].meaning for name in VITALS}}
SERIES_KEYS["exceptions"] = "how many exceptions come in each second that nobody catches"


@dataclass(frozen=True, slots=True)
class RuleTest:
    """A run that somebody wrote, and what the rules shall make of it.

    Attributes:
        name: What it shows.
        scenario: The run.
        expectation: What is expected.
        place: Where it is written.
    """

    name: str
    scenario: Scenario
    expectation: Expectation
    place: Place


@dataclass(frozen=True, slots=True)
class RuleTests:
    """A test file.

    Attributes:
        file: Its name.
        rules: The rules under test.
        tests: The tests.
    """

    file: str
    rules: tuple[Rule, ...]
    tests: tuple[RuleTest, ...]


def load_tests(path: str | Path, environment: Mapping[str, str] = os.environ) -> RuleTests:
    """Read a test file, and the rules that it is about.

    Args:
        path: The file.
        environment: The value of each variable, unless the file says another one.

    Raises:
        RulesError: The file or its rules can't be read or have faults; all are in the error.
    """
    try:
        content = content_of(Path(path))
    except OSError as error:
        message = f"can't be read: {error.strerror or error}"
        raise RulesError([Problem(Place(str(path), 1, 1), message)]) from None
    return parse_tests(content, str(path), environment)


def parse_tests(
    content: bytes, file: str, environment: Mapping[str, str] = os.environ
) -> RuleTests:
    """Read tests from the content of a file; see :func:`load_tests`."""
    try:
        doc = _document(content, file, environment)
        if given := _given_environment(doc):
            environment = {**environment, **given}
            doc = _document(content, file, environment)
    except Unreadable as unreadable:
        raise RulesError([unreadable.problem]) from None
    if problem := _not_a_test_file(doc):
        raise RulesError([*doc.problems, problem])
    reader = _Reader(doc, environment)
    tests = reader.read()
    if reader.problems:
        raise RulesError(reader.problems)
    return tests


def _document(content: bytes, file: str, environment: Mapping[str, str]) -> Document:
    return document.read(content, file, environment, Allowance(kind="a test file"))


def _given_environment(doc: Document) -> dict[str, str]:
    given = doc.data.get("environment") if isinstance(doc.data, dict) else None
    if not isinstance(given, dict):
        return {}
    return {name: value for name, value in given.items() if isinstance(value, str)}


def _not_a_test_file(doc: Document) -> Problem | None:
    instead = "write rules: and tests:, and below each what there is"
    if not doc.data:
        return Problem(Place(doc.file, 1, 1), f"no tests; {instead}")
    if not isinstance(doc.data, dict):
        return doc.problem((), f"not a test file; {instead}")
    return None


class _Reader:
    """Reads one document and collects what is wrong with it."""

    def __init__(self, doc: Document, environment: Mapping[str, str]) -> None:
        self.problems = doc.problems
        self._doc = doc
        self._data: dict[str, Any] = doc.data
        self._environment = environment

    def read(self) -> RuleTests:
        self._mapping(self._data, (), tuple(FILE_KEYS), ("tests",))
        self._check_environment()
        rules = self._rules()
        items = self._items(self._data.get("tests"), ("tests",), "tests", "no tests")
        found = [self._test(item, ("tests", index), rules) for index, item in enumerate(items)]
        tests = tuple(test for test in found if test)
        for location, first in self._repeated():
            self._complain(location, f"this name is given twice; the first is in line {first}")
        return RuleTests(self._doc.file, rules or (), tests)

    # The rules

    def _rules(self) -> tuple[Rule, ...] | None:
        """The rules under test; None if they are at fault."""
        part = self._part()
        if part is None or part.problems:
            self.problems += part.problems if part else ()
            return None
        try:
            drafts = compose_part(part, self._doc.file, self._environment, Allowance())
            return rules_of(drafts)
        except RulesError as error:
            self.problems += error.problems
            return None

    def _part(self) -> Part | None:
        if not {"rules", "extends"} & set(self._data):
            self._complain((), "the key 'rules' is missing")
            return None
        if not isinstance(self._data.get("rules"), str):
            words = [word for word in ("rules", "extends", "defaults") if word in self._data]
            mine = {word: self._data[word] for word in words}
            return draft.read(replace(self._doc, data=mine, problems=[]))
        for word in ("extends", "defaults"):
            if word in self._data:
                self._complain_of_key((word,), f"{word!r} goes with a list of rules only")
        expanded = self._doc.text(("rules",))
        if expanded is None:
            return None
        if not expanded.text.strip():
            self._complain(("rules",), "'rules' takes a file, a pack, or a list of rules")
            return None
        place, written = self._doc.place(("rules",)), self._doc.written(("rules",))
        return Part((Extension(place, expanded.text, written, "rules"),), (), ())

    def _check_environment(self) -> None:
        given = self._data.get("environment", {})
        if not isinstance(given, dict):
            self._complain(("environment",), "'environment' takes a mapping of variables")
            return
        for name, value in given.items():
            if not isinstance(value, str):
                self._complain(("environment", name), f"{name!r} takes a single text")

    # The tests

    def _test(
        self, item: object, location: Location, rules: tuple[Rule, ...] | None
    ) -> RuleTest | None:
        needed = ("name", "series", "expect")
        keys = self._mapping(item, location, tuple(TEST_KEYS), needed, "a test is a mapping")
        if keys is None:
            return None
        name = self._text((*location, "name"), keys)
        if name is not None and not name.text.strip():
            self._complain((*location, "name"), "name: write what the test shows")
        ramp_up = self._read((*location, "ramp_up"), keys, _ramp_up, "a time such as 5s") \
            if "ramp_up" in keys else 0.0  # fmt: skip
        scenario = self._scenario(keys, location)
        expectation = self._expectation(keys, location, rules)
        if name is None or scenario is None:
            return None
        assert ramp_up is None or isinstance(ramp_up, float)
        title = " ".join(name.text.split())
        place = self._doc.place(location)
        return RuleTest(title, replace(scenario, ramp_up=ramp_up), expectation, place)

    def _repeated(self) -> Iterable[tuple[Location, int]]:
        """Where a name is given that an earlier test has, and the line of that one."""
        first_of: dict[str, int] = {}
        tests = self._data.get("tests")
        for index, item in enumerate(tests if isinstance(tests, list) else []):
            name = item.get("name") if isinstance(item, dict) else None
            if isinstance(name, str) and name.strip():
                location = ("tests", index, "name")
                line = self._doc.place(location).line
                if first_of.setdefault(name, line) != line:
                    yield location, first_of[name]

    def _scenario(self, test: dict[str, Any], above: Location) -> Scenario | None:
        if "series" not in test:
            return None
        where = (*above, "series")
        items = self._items(test["series"], where, "series", "no series, so nothing would happen")
        traffic: list[Traffic | None] = []
        vitals: dict[str, Series] = {}
        first_of: dict[str, int] = {}
        for index, item in enumerate(items):
            location = (*where, index)
            keys = self._mapping(item, location, tuple(SERIES_KEYS), (), "a series is a mapping")
            if keys is None:
                continue
            for name in (name for name in VITALS if name in keys):
                line = self._doc.place((*location, name)).line
                if name in first_of:
                    message = f"{name!r} is given twice; the first is in line {first_of[name]}"
                    self._complain_of_key((*location, name), message)
                first_of.setdefault(name, line)
                if found := self._series(location, name, keys):
                    vitals[name] = found
            if set(keys) & set(REQUEST_KEYS):
                traffic.append(self._traffic(keys, location))
        return Scenario(tuple(part for part in traffic if part), vitals)

    def _traffic(self, keys: dict[str, Any], location: Location) -> Traffic | None:
        if "rps" not in keys:
            self._complain(location, "the key 'rps' is missing, so there are no requests")
        entry, failure = self._text((*location, "entry"), keys), None
        if "entry" in keys and entry is not None and not entry.text.strip():
            self._complain(
                (*location, "entry"), "entry: write a method and a name, or leave it out"
            )
        if "failure" in keys:
            failure = self._text((*location, "failure"), keys)
            if "failures" not in keys:
                message = "'failure' is the text of failures; say how many by 'failures'"
                self._complain_of_key((*location, "failure"), message)
        rps, times, failures, sizes = (
            self._series(location, name, keys)
            for name in ("rps", "response_time", "failures", "content_length")
        )
        if rps is None:
            return None
        for name, found in (
            ("response_time", times), ("failures", failures), ("content_length", sizes),
        ):  # fmt: skip
            if found and found.seconds > rps.seconds:
                message = f"{name}: it has {found.seconds} seconds, 'rps' has only {rps.seconds}"
                self._complain((*location, name), message)
        if failures:
            self._check_failures((*location, "failures"), rps, failures)
        method, name = method_and_name(entry.text.strip()) if entry else (None, "/")
        text = failure.text if failure else ""
        return Traffic(method or "GET", name, rps, times, failures, text, sizes)

    def _check_failures(self, location: Location, rps: Series, failures: Series) -> None:
        seconds = zip_longest(rps.counts(), failures.counts(), fillvalue=0)
        for second, (requests, failed) in enumerate(seconds, start=1):
            if failed > requests:
                message = f"failures: {failed} of {requests} requests can't fail in second {second}"
                self._complain(location, message)
                return

    def _series(self, location: Location, name: str, keys: dict[str, Any]) -> Series | None:
        expanded = self._text((*location, name), keys)
        if expanded is None:
            return None
        try:
            return series(expanded.text, _UNITS[name], name)
        except Complaint as complaint:
            complaint.expected = "a series such as 50x60"
            message = f"{name}: {told(complaint, expanded)}"
            self._complain((*location, name), message, complaint.start)
            return None

    # What is expected

    def _expectation(
        self, test: dict[str, Any], above: Location, rules: tuple[Rule, ...] | None
    ) -> Expectation:
        if "expect" not in test:
            return Expectation()
        location = (*above, "expect")
        keys = self._mapping(test["expect"], location, tuple(EXPECT_KEYS), ())
        if keys is None:
            return Expectation()
        if not keys:
            self._complain(location, "nothing is expected, so the test would show nothing")
        points = self._points(keys, location, RUN_KEYS, None)
        named = keys.get("rules", {})
        if not isinstance(named, dict):
            self._complain(
                (*location, "rules"), "'rules' takes a mapping, with a key for each rule"
            )
            named = {}
        expected: list[ExpectedRule] = []
        for name, value in named.items():
            where = (*location, "rules", name)
            rule = self._rule(name, where, rules)
            lone = not isinstance(value, list)
            for one, at in [(value, where)] if lone else [
                (one, (*where, index)) for index, one in enumerate(value)
            ]:  # fmt: skip
                found = self._expected_rule(one, at, where, rule)
                if found:
                    expected.append(found)
        return Expectation(points, tuple(expected))

    def _expected_rule(
        self, value: object, location: Location, named_at: Location, rule: Rule | None
    ) -> ExpectedRule | None:
        """What is expected of a rule, where a state alone may stand for a mapping."""
        place = self._doc.place(location)
        if isinstance(value, str):
            state = self._read_text(location, RULE_KEYS["state"], rule)
            expected = (Expected("state", state, place),)
            return ExpectedRule(rule, None, expected, place) if rule and state else None
        keys = self._mapping(value, location, tuple(EXPECTED_RULE_KEYS), (), "write a state, or a "
                             "mapping of what is expected of the rule")  # fmt: skip
        if keys is None:
            return None
        if not set(keys) & set(RULE_KEYS):
            self._complain_of_key(named_at, "nothing is expected of this rule")
        entry = self._text((*location, "entry"), keys)
        points = self._points(keys, location, RULE_KEYS, rule)
        if rule is None:
            return None
        return ExpectedRule(rule, entry.text.strip() if entry else None, points, place)

    def _points(
        self, keys: dict[str, Any], location: Location, known: dict[str, Key], rule: Rule | None
    ) -> tuple[Expected, ...]:
        points = []
        for word, key in known.items():
            where = (*location, word)
            if word not in keys or self._text(where, keys) is None:
                continue
            if rule is None and word in ("value", "worst"):
                continue  # in which unit, only the rule can tell
            before = len(self.problems)
            value = self._read_text(where, key, rule, f"{word}: ")
            if len(self.problems) == before:
                points.append(Expected(word, value, self._doc.place(where)))
        return tuple(points)

    def _rule(self, name: str, location: Location, rules: tuple[Rule, ...] | None) -> Rule | None:
        """The rule of that name, or the one that is written so."""
        if rules is None:
            return None
        by_name = {rule.name: rule for rule in rules}
        if found := by_name.get(name):
            return found
        check, options, complaints = grammar.parse(name)
        if check and not complaints:
            same = [rule for rule in rules if rule.check == check]
            fit = [r for r in same if all(getattr(r, f) == v for f, v in options.given().items())]
            if len(fit) == 1:
                return fit[0]
        near = did_you_mean(name, list(by_name)) or ";"
        self._complain_of_key(
            location, f"there is no rule {name!r}{near} rules are {_some(by_name)}"
        )
        return None

    # Pieces of YAML

    def _mapping(
        self,
        value: object,
        location: Location,
        legal: Sequence[str],
        needed: Sequence[str],
        instead: str = "",
    ) -> dict[str, Any] | None:
        """The mapping there; None if there is none. Faults of its keys are complained about."""
        if not isinstance(value, dict):
            self._complain(location, instead or f"{location[-1]!r} takes a mapping")
            return None
        unknown = [key for key in value if key not in legal]
        for key in unknown:
            near = did_you_mean(key, legal) or ";"
            keys = f"keys are {one_of(legal)}"
            self._complain_of_key((*location, key), f"unknown key {key!r}{near} {keys}")
        for key in needed:
            misspelt = any(did_you_mean(other, [key]) for other in unknown)
            if key not in value and not misspelt:
                self._complain(location, f"the key {key!r} is missing")
        return value

    def _items(self, value: object, location: Location, key: str, empty: str) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self._complain(location, f"{key!r} takes a list; each item begins with '- '")
            return []
        if not value:
            self._complain(location, empty)
        return value

    def _text(self, location: Location, keys: dict[str, Any]) -> Expanded | None:
        """The text there; None if there is none, or if it is at fault."""
        key = location[-1]
        if key in keys and not isinstance(keys[str(key)], str):
            self._complain(location, f"{key!r} takes a single text")
            return None
        return self._doc.text(location)

    def _read(self, location: Location, keys: dict[str, Any], read: Any, expected: str) -> Value:
        if self._text(location, keys) is None:
            return None
        key = Key("", lambda text, _: read(text), expected)
        return self._read_text(location, key, None, f"{location[-1]}: ")

    def _read_text(self, location: Location, key: Key, rule: Rule | None, about: str = "") -> Value:
        expanded = self._doc.text(location)
        if expanded is None:
            return None
        try:
            return key.read(expanded.text.strip(), rule)
        except Complaint as complaint:
            complaint.expected = key.takes
            self._complain(location, about + told(complaint, expanded), complaint.start)
            return None

    def _complain(self, location: Location, message: str, offset: int | None = None) -> None:
        about = self._about(location)
        self.problems.append(self._doc.problem(location, about + message, offset))

    def _complain_of_key(self, location: Location, message: str) -> None:
        self.problems.append(self._doc.problem_of_key(location, self._about(location) + message))

    def _about(self, location: Location) -> str:
        """``test "checkout": `` for what is in a test, by its name or its number."""
        if len(location) < 2 or location[0] != "tests":
            return ""
        index = location[1]
        assert isinstance(index, int)
        test = self._data["tests"][index]
        name = test.get("name") if isinstance(test, dict) else None
        if not isinstance(name, str) or not name.strip():
            return f"test {index + 1}: "
        return f'test "{self._doc.written(("tests", index, "name"))}": '


def _ramp_up(text: str) -> float | None:
    return None if text in (NEVER, NOTHING) else timespan(text)


def _some(names: Iterable[str]) -> str:
    """The names, of many the first ones."""
    quoted = [repr(name) for name in names]
    return one_of(quoted, "and") if len(quoted) <= 5 else ", ".join(quoted[:5]) + ", ..."
