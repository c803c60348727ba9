"""Runs to be reported, among them some with names and failures that nobody wishes for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from guard.effects.about import About
from guard.engine.counts import Counts
from guard.engine.failures import Failing
from guard.engine.guard import Guard
from guard.engine.snapshot import Snapshot, Vitals
from guard.engine.verdict import RuleResult, Verdict
from guard.language.rulefile import parse_rules

HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "| a | b |\n|---|---|\n`code` [link](https://evil.example) **bold** <!-- ![x](//evil)",
    "@everyone #1 :bomb: www.evil.example https://evil.example a@evil.example $x$ ~~gone~~ &lt;",
    "\x1b[31mred\x1b[0m\x07\r\x00\x9b2J",
    "one\ntwo\r\nthree\u2028four\x85five",
    "]]>&amp;<![CDATA[",
    "💣👩‍👩‍👧\u202egnp.exe",
    "::error::x",
    "a\n::error file=a,line=1::b\n::set-env name=PATH::c\n::add-mask::d\n::stop-commands::e",
    "a\n##vso[task.setvariable variable=PATH]x\n##[error]y",
    "##vso[task.complete result=Succeeded;]##VSO[build.addbuildtag]t",
    "##teamcity[buildStatus status='SUCCESS' text='|n']\n##teamcity[buildStop comment='x']",
    "\x1b[0Ksection_start:1:evil\r\x1b[0Kheading",
    "x" * 10_000,
    "%0A::error::%25 a:b,c;d]e='f'|g",
    "\ud800 half",
]  # fmt: skip
"""What a server, or somebody who writes tests, may have sent."""


@dataclass(frozen=True)
class Played:
    """A run of ten seconds that was judged: ten requests a second of each entry, all slow, of which
    half fail from the sixth second on."""

    about: About

    def verdict(
        self,
        *rules: str,
        names: tuple[str, ...] = ("/a",),
        failure: str = "HTTPError('503')",
        users: int = 20,
    ) -> Verdict:
        lines = "".join(f"  - {rule}\n" for rule in rules)
        guard = Guard(parse_rules(f"rules:\n{lines}".encode(), "rules.yaml"))
        for second in range(1, 11):
            failed = 5 * max(0, second - 5)
            one = Counts(10 * second, failed, 9000.0 * second, {900: 10 * second}, 900, 900)
            n = len(names)
            total = Counts(
                10 * second * n, failed * n, 9000.0 * second * n, {900: 10 * second * n}, 900, 900
            )
            seen = Snapshot(
                total,
                {("GET", name): one for name in names},
                Vitals(users=users),
                failures=lambda failed=failed: {
                    (("GET", name), failure): failed for name in names if failed
                },
            )
            guard.tick(seen, float(second))
        guard.finish(seen, 10.0)
        return guard.verdict()


@pytest.fixture
def played():
    return Played(
        About(
            title="Checkout",
            host="https://shop.example",
            rules_file="rules.yaml",
            started="2026-01-01T12:00:00+00:00",
            guard_version="0.1.0",
            locust_version="2.47.0",
            link="https://ci.example/42",
        )
    )


def told_with(verdict: Verdict, text: str) -> Verdict:
    """The same verdict, with this text wherever somebody else may have a say."""
    reason = f"{text}: p95 of {text} was 1 ms ({text})"

    def told(result: RuleResult) -> RuleResult:
        rule = replace(result.rule, name=text, named=True, because=text)
        failing = Failing(((text, 3), ("/b", 2)), ((text, 3), ("b", 2)))
        return replace(result, rule=rule, entry=text, reason=reason, failing=failing)

    return replace(verdict, rules=[*map(told, verdict.rules)], reason=reason)


@pytest.fixture(params=HOSTILE, ids=lambda text: ascii(text[:12]))
def hostile(request):
    return request.param


@pytest.fixture
def tell():
    """Tells a text with a verdict, wherever somebody else may have a say."""
    return told_with
