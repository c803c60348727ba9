"""The one-line form of a rule.

    rule       = check option*
    check      = metric [ "of" pattern ] comparison threshold
    metric     = NAME                           e.g. p95, fail_ratio
    pattern    = quoted or bare text            "*" is the only wildcard; an upper-case first word
                                                that another follows is the method
    comparison = "<" | "<=" | ">" | ">=" | "==" | "!="
    option     = "over" TIME | "for" TIME | "after" START | "else" ACTION
    START      = TIME | "ramp-up" [ "+" TIME ]

Tokens are wide on purpose: a word that stands where a metric or a time must stand is read as one
and complained about as one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import TypeVar

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from guard.engine import metrics
from guard.language import units
from guard.language.errors import Complaint, did_you_mean, one_of
from guard.language.options import Options
from guard.rule import Check, Comparison, Selection

_GRAMMAR = r"""
rule: check option*
check: METRIC [_OF pattern] COMPARISON THRESHOLD
pattern: METHOD NAME | NAME | QUOTED
option: (OVER | FOR) TIME | AFTER start | ELSE ACTION
start: TIME | RAMP_UP [PLUS TIME]

_OF: /of(?!\S)/
OVER: /over(?!\S)/
FOR: /for(?!\S)/
AFTER: /after(?!\S)/
ELSE: /else(?!\S)/
RAMP_UP.2: "ramp-up"
PLUS: "+"

METRIC: /[^\s<>=!"'()]+/
COMPARISON: /[<>=!]+/
THRESHOLD: /(?!(over|for|after|else)(?!\S))[^\s<>=!]\S*/
METHOD.2: /[A-Z][A-Z0-9_-]*(?=\s+(?![<>]|!=|==)\S)/
NAME: /(?:(?![<>"']|!=|==)\S)+/
QUOTED: /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/
TIME: /(?!(over|for|after|else)(?!\S))[^\s+]+/
ACTION: /\S+/

%ignore /\s+/
"""

_MEANING = {
    "METRIC": "a metric such as p95",
    "_OF": "'of'",
    "NAME": "a request name",
    "COMPARISON": "a comparison such as <",
    "THRESHOLD": "a threshold such as 500ms or 1%",
    "OVER": "'over'",
    "FOR": "'for'",
    "AFTER": "'after'",
    "ELSE": "'else'",
    "RAMP_UP": "'ramp-up'",
    "PLUS": "'+'",
    "TIME": "a time such as 10s",
    "ACTION": "an action such as stop",
    "$END": "the end",
}
"""What a person would call each terminal, in the order in which alternatives are listed."""

_KEYWORDS = {"_OF": "of", "OVER": "over", "FOR": "for", "AFTER": "after", "ELSE": "else"}
_METHOD_AND_NAME = re.compile(r"([A-Z][A-Z0-9_-]*)\s+(\S.*)", re.DOTALL)
_COMMON_PERCENTILES = ("p50", "p90", "p95", "p99")
_MISSPELT_COMPARISONS = {"=": "==", "=<": "<=", "=>": ">=", "<>": "!=", "===": "==", "!": "!="}

COMPARISONS = tuple(comparison.value for comparison in Comparison)
METRIC_NAMES = (*metrics.METRICS, "pN")


def parse(text: str) -> tuple[Check | None, Options, list[Complaint]]:
    """Read a rule in its one-line form.

    Returns:
        The check, the options, and everything that is wrong with the text. Without a complaint
        there is a check.
    """
    if not text.strip():
        return None, Options(), [Complaint("empty rule; write e.g. fail_ratio < 1%")]
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        return None, Options(), [_syntax_complaint(text, error)]
    reader = _Reader(text)
    check_tree, *option_trees = (child for child in tree.children if isinstance(child, Tree))
    check = reader.check(check_tree)
    return check, reader.options(option_trees), reader.complaints


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, start="rule", parser="lalr", propagate_positions=True)


T = TypeVar("T")


class _Reader:
    """Turns syntax trees into values and collects what is wrong with them."""

    def __init__(self, text: str) -> None:
        self.complaints: list[Complaint] = []
        self._text = text

    def check(self, tree: Tree[Token]) -> Check | None:
        metric_token, pattern, comparison_token, limit = tree.children
        metric = self._read(metric_token, _metric)
        comparison = self._read(comparison_token, _comparison)
        selection = self._read(pattern, _selection) if isinstance(pattern, Tree) else None
        if metric is None:
            return None
        threshold = self._read(limit, lambda text: units.threshold(text, metric.unit, metric.name))
        if comparison is None or threshold is None:
            return None
        return Check(metric.name, metric.unit, comparison, threshold, selection)

    def options(self, trees: list[Tree[Token]]) -> Options:
        options = Options()
        seen = set()
        for tree in trees:
            word, value = tree.children
            if word in seen:
                self._complain(word, f"{str(word)!r} is given twice")
            seen.add(word)
            options = self._read(value, partial(options.plus, str(word))) or options
        return options

    def _read(self, part: Token | Tree[Token], read: Callable[[str], T]) -> T | None:
        start, end = _extent(part)
        try:
            return read(self._text[start:end])
        except Complaint as complaint:
            self._complain(part, complaint.message)
            return None

    def _complain(self, part: Token | Tree[Token], message: str) -> None:
        self.complaints.append(Complaint(message, _extent(part)[0]))


def _extent(part: Token | Tree[Token]) -> tuple[int, int]:
    if isinstance(part, Tree):
        return part.meta.start_pos, part.meta.end_pos
    return part.start_pos or 0, part.end_pos or 0


def _metric(name: str) -> metrics.Metric:
    if metric := metrics.find(name):
        return metric
    near = did_you_mean(name, (*metrics.METRICS, *_COMMON_PERCENTILES)) or ";"
    if re.fullmatch(r"p-?[\d.]+", name, re.ASCII):
        raise Complaint(f"unknown metric {name!r}{near} percentiles are p0 to p100, e.g. p99.9")
    raise Complaint(f"unknown metric {name!r}{near} metrics are {one_of(METRIC_NAMES)}")


def _comparison(text: str) -> Comparison:
    if text in COMPARISONS:
        return Comparison(text)
    near = _MISSPELT_COMPARISONS.get(text)
    hint = f"; did you mean {near!r}?" if near else ";"
    raise Complaint(f"{text!r} is no comparison{hint} comparisons are {one_of(COMPARISONS)}")


def _selection(pattern: str) -> Selection:
    if pattern[0] in "\"'":
        pattern = re.sub(r"\\(.)", r"\1", pattern[1:-1], flags=re.DOTALL)
    if not pattern:
        raise Complaint("a request name can't be empty; leave 'of' out to mean all requests")
    if match := _METHOD_AND_NAME.fullmatch(pattern):
        return Selection(match[2], match[1])
    return Selection(pattern)


def _syntax_complaint(text: str, error: UnexpectedInput) -> Complaint:
    """The parser's error in the words of the language."""
    if isinstance(error, UnexpectedCharacters):
        expected = set(error.allowed or ())
    elif isinstance(error, UnexpectedToken):
        expected = set(error.accepts or error.expected)
    else:
        expected = set()
    legal = one_of([meaning for terminal, meaning in _MEANING.items() if terminal in expected])
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return Complaint(f"the rule ends too early; expected {legal}", len(text.rstrip()))
    offset = error.pos_in_stream
    assert offset is not None
    word = text[offset:].split(maxsplit=1)[0]
    if word[0] in "\"'":
        return Complaint(f"the quote {word[0]} is never closed", offset)
    if word in ("h", "m", "s", "ms", "%", "/s") and text[:offset].rstrip()[-1:].isdigit():
        return Complaint(f"unexpected {word!r}; write it right behind its number", offset)
    if word == "up" and text[:offset].split()[-1:] == ["ramp"]:
        return Complaint("unexpected 'up'; write ramp-up, in one word", offset)
    if expected == {"COMPARISON"}:
        legal += "; put a name with spaces in quotes"
    near = did_you_mean(word, [_KEYWORDS[t] for t in expected if t in _KEYWORDS]) or ";"
    return Complaint(f"unexpected {word!r}{near} expected {legal}", offset)
