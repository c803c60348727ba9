"""What a test expects of the rules, from the text of its file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from guard.language import grammar
from guard.language.document import Location
from guard.language.errors import Complaint, did_you_mean, one_of
from guard.language.expectation import (
    RULE_KEYS,
    RUN_KEYS,
    Expectation,
    Expected,
    ExpectedRule,
    Key,
)
from guard.language.outline import Outline
from guard.rule import Rule

EXPECT_KEYS = {
    **{word: key.meaning for word, key in RUN_KEYS.items()},
    "rules": "what becomes of each rule, by its name: its state, or a mapping",
}
EXPECTED_RULE_KEYS = {
    "entry": "on which entry, where a rule with each was judged on several",
    **{word: key.meaning for word, key in RULE_KEYS.items()},
}

LISTED = 5
"""How many rules a message names at most."""


class ExpectationReader:
    """Reads what tests expect.

    Args:
        outline: The test file.
        rules: The rules under test; None if they are at fault.
    """

    def __init__(self, outline: Outline, rules: Sequence[Rule] | None) -> None:
        self._outline = outline
        self._rules = rules

    def expectation(self, test: dict[str, Any], above: Location) -> Expectation:
        """What the test that stands there expects; incomplete if it has faults."""
        location = (*above, "expect")
        if "expect" not in test:
            return Expectation()
        keys = self._outline.mapping(test["expect"], location, tuple(EXPECT_KEYS))
        if keys is None:
            return Expectation()
        if not keys or keys == {"rules": {}}:
            message = "nothing is expected, so the test would show nothing"
            self._outline.complain(location, message)
        points = self._points(keys, location, RUN_KEYS, None)
        return Expectation(points, tuple(self._of_rules(keys, (*location, "rules"))))

    def _of_rules(self, above: dict[str, Any], location: Location) -> Iterable[ExpectedRule]:
        named = above.get("rules", {})
        if not isinstance(named, dict):
            self._outline.complain(location, "'rules' takes a mapping, with a key for each rule")
            return
        for name, value in named.items():
            where = (*location, name)
            rule = self._rule(name, where)
            several = isinstance(value, list)
            for index, one in enumerate(value if several else [value]):
                found = self._of_rule(one, (*where, index) if several else where, rule)
                if found:
                    yield found

    def _of_rule(self, value: object, location: Location, rule: Rule | None) -> ExpectedRule | None:
        place = self._outline.doc.place(location)
        if isinstance(value, str):  # a state alone
            state = self._point(location, "state", RULE_KEYS["state"], rule)
            return ExpectedRule(rule, None, (state,), place) if rule and state else None
        instead = "write a state, or a mapping of what is expected of the rule"
        legal = tuple(EXPECTED_RULE_KEYS)
        keys = self._outline.mapping(value, location, legal, instead=instead)
        if keys is None:
            return None
        if not keys.keys() - {"entry"}:
            self._outline.complain(location, "nothing is expected of this rule")
        entry = self._outline.text(keys, (*location, "entry"))
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
            if word in keys and self._outline.text(keys, where):
                points.append(self._point(where, word, key, rule, f"{word}: "))
        return tuple(point for point in points if point)

    def _point(
        self, location: Location, word: str, key: Key, rule: Rule | None, about: str = ""
    ) -> Expected | None:
        expanded = self._outline.doc.text(location)
        if expanded is None or (key.of_rule and rule is None):
            return None
        try:
            value = key.read(expanded.text.strip(), rule)
        except Complaint as complaint:
            self._outline.complain_of_text(location, complaint, key.takes, about)
            return None
        return Expected(word, value, self._outline.doc.place(location))

    def _rule(self, name: str, location: Location) -> Rule | None:
        """The rule of that name, or the one that is written so."""
        if self._rules is None:
            return None
        by_name = {rule.name: rule for rule in self._rules}
        if found := by_name.get(name) or _written_so(name, self._rules):
            return found
        near = did_you_mean(name, list(by_name)) or ";"
        message = f"there is no rule {name!r}{near} rules are {_some(by_name)}"
        self._outline.complain_of_key(location, message)
        return None


def _written_so(line: str, rules: Sequence[Rule]) -> Rule | None:
    """The one rule that has the check of the line, and its options if it has some."""
    check, options, complaints = grammar.parse(line)
    if check is None or complaints:
        return None
    given = options.given().items()
    same = [rule for rule in rules if rule.check == check]
    fit = [rule for rule in same if all(getattr(rule, word) == value for word, value in given)]
    return fit[0] if len(fit) == 1 else None


def _some(names: Iterable[str]) -> str:
    quoted = [repr(name) for name in names]
    if len(quoted) <= LISTED:
        return one_of(quoted, "and")
    return f"{', '.join(quoted[:LISTED])} and {len(quoted) - LISTED} more"
