"""A file with tests of rules: from its text to the rules and the runs that shall show them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from guard.language import document, draft
from guard.language.composition import compose_part, content_of
from guard.language.document import Allowance, Document, Location
from guard.language.draft import Extension, Part
from guard.language.errors import Complaint, Problem, RulesError, did_you_mean
from guard.language.expectation import NEVER, Expectation, moment
from guard.language.nodes import Unreadable
from guard.language.outline import Outline
from guard.language.rulefile import rules_of
from guard.language.testexpect import ExpectationReader
from guard.language.testrun import RunReader
from guard.rule import Place, Rule
from guard.scenario import Scenario

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
        self._outline = Outline(doc)
        self._environment = environment

    def read(self) -> RuleTests:
        self._outline.mapping(self._data, (), tuple(FILE_KEYS), ("tests",))
        self._check_environment()
        rules = self._rules()
        run = RunReader(self._outline)
        expected = ExpectationReader(self._outline, rules)
        items = self._outline.items(self._data, ("tests",), "there is no test")
        found = [self._test(item, ("tests", i), run, expected) for i, item in enumerate(items)]
        self._check_names(items)
        return RuleTests(self._doc.file, rules or (), tuple(test for test in found if test))

    def _check_environment(self) -> None:
        location = ("environment",)
        given = self._data.get("environment", {})
        if not isinstance(given, dict):
            self._outline.complain(location, "'environment' takes a mapping of variables")
            return
        for name in given:
            self._outline.text(given, (*location, name))

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
        """What the file says of rules: that they are elsewhere, or themselves."""
        if not {"rules", "extends"} & set(self._data):
            if not any(did_you_mean(key, ["rules", "extends"]) for key in self._data):
                self._outline.complain((), "the key 'rules' is missing")
            return None
        if not isinstance(self._data.get("rules"), str):
            words = [word for word in ("rules", "extends", "defaults") if word in self._data]
            own = {word: self._data[word] for word in words}
            return draft.read(replace(self._doc, data=own, problems=[]))
        for word in {"extends", "defaults"} & set(self._data):
            self._outline.complain_of_key((word,), f"{word!r} goes with a list of rules only")
        location = ("rules",)
        expanded = self._doc.text(location)
        if expanded is None:
            return None
        if not expanded.text.strip():
            message = "'rules' takes the path of a file, the name of a pack, or a list of rules"
            self._outline.complain(location, message)
            return None
        place, written = self._doc.place(location), self._doc.written(location)
        return Part((Extension(place, expanded.text, written, "rules"),), (), ())

    def _test(
        self, item: object, location: Location, run: RunReader, expected: ExpectationReader
    ) -> RuleTest | None:
        instead, needed = "a test is a mapping", ("name", "series", "expect")
        keys = self._outline.mapping(item, location, tuple(TEST_KEYS), needed, instead)
        if keys is None:
            return None
        name = self._outline.text(keys, (*location, "name"))
        if name and not name.text.strip():
            self._outline.complain((*location, "name"), "name: write what the test shows")
        ramp_up = self._ramp_up(keys, (*location, "ramp_up"))
        scenario = replace(run.scenario(keys, location), ramp_up=ramp_up)
        expectation = expected.expectation(keys, location)
        title = " ".join(name.text.split()) if name else ""
        return RuleTest(title, scenario, expectation, self._doc.place(location))

    def _ramp_up(self, keys: dict[str, Any], location: Location) -> float | None:
        """When ramp-up is complete; None for never."""
        expanded = self._outline.text(keys, location)
        if expanded is None:
            return 0.0
        try:
            return moment(expanded.text.strip())
        except Complaint as complaint:
            self._outline.complain_of_text(location, complaint, "a time such as 5s", "ramp_up: ")
            return None

    def _check_names(self, tests: Sequence[object]) -> None:
        """Whether an earlier test has the name of one."""
        first_of: dict[str, Place] = {}
        for index, test in enumerate(tests):
            name = test.get("name") if isinstance(test, dict) else None
            if not isinstance(name, str) or not name.strip():
                continue
            location = ("tests", index, "name")
            place = self._doc.place(location)
            first = first_of.setdefault(" ".join(name.split()), place)
            if first is not place:
                message = f"this name is given twice; the first is in line {first.line}"
                self._outline.complain(location, message)
