"""The one-line form of a rule.

    rule       = check option*
    check      = metric [ "of" ["each"] pattern ] comparison threshold
    metric     = NAME [ "(" text ")" ]          e.g. p95, fail_ratio, failures("*503*")
    text       = quoted or bare text            "*" is the only wildcard
    pattern    = quoted or bare text            the same; an upper-case first word that another
                                                follows is the method
    comparison = "<" | "<=" | ">" | ">=" | "==" | "!="
    option     = "over" TIME | "for" TIME | "surely" [TIME] | "after" START
               | "min_requests" COUNT | "no_data" OUTCOME | "else" ACTION
    START      = TIME | "ramp-up" [ "+" TIME ]

Tokens are wide on purpose: a word that stands where a metric or a time must stand is read as one
and complained about as one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, partial
from typing import Any, TypeVar

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from guard.engine import metrics, share
from guard.engine.metrics import Metric, RunMetric
from guard.language import elsewhere, units
from guard.language.errors import Complaint, did_you_mean, one_of
from guard.language.options import ALONE, OPTIONS, Options
from guard.language.slips import CHARACTERS, Slip, foreign_character, said_of
from guard.rule import Basis, Check, Comparison, Selection, method_and_name

_GRAMMAR = r"""
rule: check option*
check: METRIC [failure] [of] COMPARISON THRESHOLD
failure: "(" (TEXT | QUOTED) ")"
of: _OF [EACH] pattern
pattern: METHOD NAME | NAME | QUOTED
option: (OVER | FOR) TIME | SURELY [RARITY] | AFTER start
      | MIN_REQUESTS COUNT | NO_DATA OUTCOME | ELSE ACTION
start: TIME | RAMP_UP [PLUS TIME]

_OF: /of(?!\S)/
EACH.3: /each(?!\S)/
OVER: /over(?!\S)/
FOR: /for(?!\S)/
SURELY: /surely(?!\S)/
AFTER: /after(?!\S)/
MIN_REQUESTS: /min_requests(?!\S)/
NO_DATA: /no_data(?!\S)/
ELSE: /else(?!\S)/
RAMP_UP.2: "ramp-up"
PLUS: "+"

METRIC: /[^\s<>=!"'()]+/
TEXT: /[^\s"'()][^"'()]*/
COMPARISON: /[<>=!]+/
THRESHOLD: /(?!(over|for|surely|after|min_requests|no_data|else)(?!\S))[^\s<>=!]\S*/
METHOD.2: /[A-Z][A-Z0-9_-]*(?=\s+(?![<>]|!=|==)\S)/
NAME: /(?:(?![<>"']|!=|==)\S)+/
QUOTED: /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/
TIME: /(?!(over|for|surely|after|min_requests|no_data|else)(?!\S))[^\s+]+/
RARITY: /\d\S*/
COUNT: /\S+/
OUTCOME: /\S+/
ACTION: /\S+/

%ignore /\s+/
"""

_MEANING = {
    "METRIC": "a metric such as p95",
    "TEXT": 'a failure text such as "*503*"',
    "RPAR": "')'",
    "_OF": "'of'",
    "NAME": "a request name",
    "COMPARISON": "a comparison such as <",
    "THRESHOLD": "a threshold such as 500ms or 1%",
    "OVER": "'over'",
    "FOR": "'for'",
    "SURELY": "'surely'",
    "AFTER": "'after'",
    "MIN_REQUESTS": "'min_requests'",
    "NO_DATA": "'no_data'",
    "ELSE": "'else'",
    "RAMP_UP": "'ramp-up'",
    "PLUS": "'+'",
    "TIME": "a time such as 10s",
    "RARITY": "a time such as 30d",
    "COUNT": "a whole number such as 50",
    "OUTCOME": "an outcome such as pass",
    "ACTION": "an action such as stop",
    "$END": "the end",
    "of": "a comparison such as <",
    "failure": 'a failure text such as "*503*"',
    "pattern": "a request name",
    "start": "a time such as 10s, or ramp-up",
}
"""What a person would call each terminal, in the order in which alternatives are listed, and the
rules that are read as a whole."""

_KEYWORDS = {
    "_OF": "of",
    "OVER": "over",
    "FOR": "for",
    "SURELY": "surely",
    "AFTER": "after",
    "MIN_REQUESTS": "min_requests",
    "NO_DATA": "no_data",
    "ELSE": "else",
}
_METRIC_FIRST = re.compile(r"""\s*([^\s<>=!"'()]+)(?:\(([^"'()]*)\))?""")
_COMMON_PERCENTILES = ("p50", "p90", "p95", "p99")
_MISSPELT_COMPARISONS = {"=": "==", "=<": "<=", "=>": ">=", "<>": "!=", "===": "==", "!": "!="}

WITHOUT_SURELY = ("over", "for", "min_requests")
"""Options that mean nothing where every request is weighed."""

COMPARISONS = tuple(comparison.value for comparison in Comparison)
METRIC_NAMES = (*metrics.METRICS, "pN")


def parse(text: str) -> tuple[Check | None, Options, list[Complaint]]:
    """Read a rule in its one-line form.

    Returns:
        The check, the options, and everything that is wrong with the text. Without a complaint
        there is a check.
    """
    if not text.strip():
        example = "fail_ratio < 1%"
        message = f"empty rule; write e.g. {example}"
        return None, Options(), [Complaint(message, expected=f"a rule such as {example}")]
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        complaint = (
            foreign_character(text) or _of_the_metric(text) or _syntax_complaint(text, error)
        )
        return None, Options(), [complaint]
    reader = _Reader(text)
    check_tree, *option_trees = (child for child in tree.children if isinstance(child, Tree))
    check = reader.check(check_tree)
    return check, reader.options(option_trees, check), reader.complaints


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, start="rule", parser="lalr", propagate_positions=True)


T = TypeVar("T")


class _Reader:
    """Turns syntax trees into values and collects what is wrong with them."""

    def __init__(self, text: str) -> None:
        self.complaints: list[Complaint] = []
        self._text = text
        self._metric_at = (0, 0)

    def check(self, tree: Tree[Token]) -> Check | None:
        children: list[Any] = list(tree.children)
        metric_token, failure_tree, of, comparison_token, limit = children
        argued = _extent(failure_tree) if failure_tree else (0, 0)
        metric = self._read(
            metric_token, partial(_metric, argument=_argument(failure_tree)), repeats=argued
        )
        self._metric_at = _extent(metric_token)
        comparison = self._read(comparison_token, _comparison)
        failure = None
        if failure_tree and metric:
            failure = self._read(failure_tree, partial(_failure, metric), repeats=self._metric_at)
        each, selection = self._selected(of, metric) if of else (False, None)
        if metric is None:
            return None
        threshold = self._read(
            limit,
            lambda text: units.threshold(text, metric.unit, metric.name),
            repeats=self._metric_at,
        )
        if comparison is None or threshold is None:
            return None
        return Check(
            metric=metric.name,
            unit=metric.unit,
            comparison=comparison,
            threshold=threshold,
            selection=selection,
            each=each,
            failure=failure,
            basis=metric.basis,
        )

    def _selected(
        self, of: Tree[Token], metric: Metric | RunMetric | None
    ) -> tuple[bool, Selection | None]:
        each, pattern = of.children
        assert isinstance(pattern, Tree)
        if metric is not None and metric.basis is Basis.RUN:
            message = f"{metric.name} is a metric of the run, not of requests; leave 'of' out"
            self._complain(of, Complaint(message, repeats=self._metric_at))
        return each is not None, self._read(pattern, _selection)

    def options(self, trees: list[Tree[Token]], check: Check | None) -> Options:
        options = Options()
        seen = set()
        given = {str(tree.children[0]) for tree in trees}
        for tree in trees:
            word, value = tree.children
            if word in seen:
                twice = f"{str(word)!r} is given twice"
                self._complain(word, Complaint(twice, expected="an option not given yet"))
            seen.add(word)
            if message := out_of_place(str(word), check, given):
                what = "an option that fits the rule"
                self._complain(word, Complaint(message, expected=what, repeats=self._metric_at))
            plus = partial(options.plus, str(word))
            options = (self._read(value, plus) if value else plus(ALONE)) or options
        return options

    def _read(
        self,
        part: Token | Tree[Token],
        read: Callable[[str], T],
        repeats: tuple[int, int] = (0, 0),
    ) -> T | None:
        start, end = _extent(part)
        try:
            return read(self._text[start:end])
        except Complaint as complaint:
            self._complain(part, Complaint(complaint.message, repeats=repeats))
            return None

    def _complain(self, part: Token | Tree[Token], complaint: Complaint) -> None:
        start, end = _extent(part)
        meaning = _MEANING[part.type if isinstance(part, Token) else part.data]
        expected = complaint.expected or meaning
        self.complaints.append(
            Complaint(complaint.message, start, end, expected, complaint.repeats)
        )


def out_of_place(word: str, check: Check | None, given: Iterable[str]) -> str | None:
    """Why the option means nothing for the check, or beside others; None where it does.

    Args:
        word: The option.
        check: What the rule says must hold, if that is known.
        given: The options that the rule gives.
    """
    never_sure = _never_sure(check) if check and "surely" in (word, *given) else None
    if word == "surely":
        return never_sure
    if "surely" in given and word in WITHOUT_SURELY and not never_sure:
        return f"{word!r} means nothing beside 'surely', which weighs every request; leave it out"
    if check is None:
        return None
    if check.basis is not Basis.RUN or OPTIONS[word].on_run:
        return None
    instead = "use 'for' to ask for a length of time" if word == "over" else "leave it out"
    return f"{word!r} is for rules on requests, and {check.metric} is of the run; {instead}"


def _never_sure(check: Check) -> str | None:
    """Why there can be no evidence for a breach of the check; None where there can."""
    instead = "use 'for' instead" if check.basis is Basis.RUN else "use 'over' and 'for' instead"
    may_be_bad = share.limit(check)
    if may_be_bad is None:
        if share.limit(replace(check, comparison=Comparison.LESS)) is not None:
            return "'surely' is for limits, so write <, <=, > or >="
        if check.metric in ("failures", "fail_per_sec"):
            instead = "judge their share, e.g. fail_ratio < 1% surely"
        return f"'surely' is for fail_ratio and percentiles, not for {check.metric}; {instead}"
    if may_be_bad >= 1:
        return f"'surely' can never tell, because no request speaks against '{check}'; {instead}"
    return None


def _extent(part: Token | Tree[Token]) -> tuple[int, int]:
    if isinstance(part, Tree):
        return part.meta.start_pos, part.meta.end_pos
    return part.start_pos or 0, part.end_pos or 0


def _argument(failure: Tree[Token] | None) -> str:
    return str(failure.children[0]).strip() if failure else ""


def _metric(name: str, argument: str) -> Metric | RunMetric:
    if metric := metrics.find(name):
        return metric
    if foreign := foreign_character(name):
        raise foreign
    if not name.isascii() and metrics.find(latin := elsewhere.latin(name)):
        letter = next(character for character in name if not character.isascii())
        raise Complaint(
            f"unknown metric {name!r}; its {letter!r} (U+{ord(letter):04X}) only looks "
            f"Latin; type {latin} anew"
        )
    near = did_you_mean(name, (*metrics.METRICS, *_COMMON_PERCENTILES)) or ";"
    if metrics.find(f"p{argument}"):
        near = f"; did you mean 'p{argument}'?"
    elif name in elsewhere.METRICS:
        near = f"; did you mean {elsewhere.METRICS[name]!r}?"
    if re.fullmatch(r"p-?[\d.]*", name, re.ASCII):
        raise Complaint(f"unknown metric {name!r}{near} percentiles are p0 to p100, e.g. p99.9")
    raise Complaint(f"unknown metric {name!r}{near} metrics are {one_of(METRIC_NAMES)}")


def _failure(metric: Metric | RunMetric, parenthesised: str) -> str:
    inside = parenthesised[1:-1].strip()
    if foreign := _foreign_quote(inside):
        raise foreign
    text = _unquoted(inside)
    if not metric.of_failures:
        can = one_of([name for name, metric in metrics.METRICS.items() if metric.of_failures])
        raise Complaint(
            f"{metric.name} takes no failure text; only {can} do; write just {metric.name}"
        )
    if not text:
        raise Complaint("a failure text can't be empty; leave it out to mean all failures")
    return text


def _unquoted(text: str) -> str:
    if text[:1] not in ('"', "'"):
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def _comparison(text: str) -> Comparison:
    if text in COMPARISONS:
        return Comparison(text)
    near = _MISSPELT_COMPARISONS.get(text)
    hint = f"; did you mean {near!r}?" if near else ";"
    raise Complaint(f"{text!r} is no comparison{hint} comparisons are {one_of(COMPARISONS)}")


def _foreign_quote(text: str) -> Complaint | None:
    """A complaint about a text in quotes that are none of the language's."""
    return foreign_character(text) if CHARACTERS.get(text[:1]) == "quote" else None


def _selection(pattern: str) -> Selection:
    if foreign := _foreign_quote(pattern):
        raise foreign
    pattern = _unquoted(pattern)
    if pattern == "Aggregated":
        raise Complaint("Aggregated is what Locust calls all requests together; leave 'of' out")
    if not pattern:
        raise Complaint("a request name can't be empty; leave 'of' out to mean all requests")
    method, name = method_and_name(pattern)
    return Selection(name, method)


def _of_the_metric(text: str) -> Complaint | None:
    """What is wrong with the metric of a text that is no rule, which explains the rest of it."""
    match = _METRIC_FIRST.match(text)
    if match is None:
        return None
    try:
        _metric(match[1].rstrip(":"), match[2] or "")
    except Complaint as complaint:
        start, end = match.span(1)
        repeats = match.span(2) if match[2] else (0, 0)
        return Complaint(complaint.message, start, end, _MEANING["METRIC"], repeats)
    return None


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
        message = f"the rule ends too early; expected {legal}"
        return Complaint(message, len(text.rstrip()), expected=legal)
    start = error.pos_in_stream
    assert start is not None
    word = text[start:].split(maxsplit=1)[0]
    end = start + len(word)
    if advice := said_of(Slip(word, text[:start], text[start:], expected)):
        message, repeats = advice
        return Complaint(message, start, end, legal, repeats)
    if expected == {"COMPARISON"}:
        legal += "; put a name with spaces in quotes"
    near = elsewhere.key_meant(word, [_KEYWORDS[t] for t in expected if t in _KEYWORDS]) or ";"
    return Complaint(f"unexpected {word!r}{near} expected {legal}", start, end, legal)
