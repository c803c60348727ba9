"""The summary in Markdown: complete, of bearable length, and harmless."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from guard.effects.ci.markdown import summary
from guard.terminal import visible

MUCH = 1_000_000
TAGS = {
    "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "details", "summary", "ul",
    "li", "sub",
}  # fmt: skip


class Page(HTMLParser):
    """The tags of a page with their attributes, and the texts of its cells."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[object]]] = []
        self.cells: list[list[str]] = []
        self.code: list[str] = []
        self._in: list[str] = []
        self.feed(MarkdownIt("gfm-like", {"linkify": False}).render(markdown))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))
        self._in.append(tag)
        if tag == "tr":
            self.cells.append([])
        elif tag in ("td", "th"):
            self.cells[-1].append("")
        elif tag == "code":
            self.code.append("")

    def handle_endtag(self, tag):
        if tag in self._in:
            del self._in[self._in.index(tag) :]

    def handle_data(self, data):
        if "td" in self._in or "th" in self._in:
            self.cells[-1][-1] += data
        if "code" in self._in:
            self.code[-1] += data


def test_the_summary_tells_all(played):
    verdict = played.verdict(
        "{name: Few failures, check: fail_ratio of /a < 10%, over: 2s, for: 2s, else: stop}",
        "p95 of /none < 1s",
        "p95 < 1s",
    )
    text = summary(verdict, played.about, MUCH)
    reason = "Few failures: fail_ratio of /a was 50% over 2 s (20 requests), must be < 10%"
    assert unescape(text).replace("\xa0", " ").split("\n") == [
        "### \u274c Checkout: fail",
        "",
        f"{reason}; also not passed: 'p95 of /none < 1s' (inconclusive)."
        " Stopped at 7 s of the run.",
        "",
        "| | Rule | Entry | Reading | Worst | Limit | State |",
        "|---|---|---|--:|--:|---|---|",
        "| \u274c | <code>Few failures: fail_ratio over 2s for 2s else stop</code>"
        " | <code>/a</code> | 50% | 50% | < 10% | breached |",
        "| \u2753 | <code>p95</code> | <code>/none</code> | no data | no data | < 1000 ms | ok |",
        "| \u2705 | <code>p95</code> | <code>Aggregated</code>"
        " | 900 ms | 900 ms | < 1000 ms | ok |",
        "",
        f"<details><summary>\u274c {reason}</summary>",
        "",
        "- When: pending since 5 s, breached at 7 s",
        "- Worst: 50%",
        "- Load then: 20 users, 10 requests/s",
        "- Last held: at 5 s, 20 users, 10 requests/s",
        "- Failed most: <code>GET /a (10)</code>",
        "- Failures: <code>HTTPError('503') (10)</code>",
        "",
        "</details>",
        "",
        "<sub>of <code>https://shop.example</code> \xb7 by <code>rules.yaml</code>"
        " \xb7 begun 2026-01-01T12:00:00+00:00 \xb7 locust-guard 0.1.0 \xb7 Locust 2.47.0</sub>",
        "",
        "",
    ]
    assert {tag for tag, _ in Page(text).tags} <= TAGS


@pytest.mark.parametrize("entries", [3, 1000])
def test_of_many_entries_ten_have_a_line(played, entries):
    names = tuple(f"/{number}" for number in range(entries))
    text = summary(played.verdict("p95 of each * < 1s", names=names), played.about, MUCH)
    assert len(Page(text).cells) == 1 + (3 if entries == 3 else 11)
    assert ("and 990 \u2705" in text) == (entries == 1000)


def test_what_does_not_fit_in_is_left_out(played):
    verdict = played.verdict(*[f"p95 < {number}ms" for number in range(1, 100)])
    whole = summary(verdict, played.about, MUCH)
    for size in (0, 100, 3000, len(whole.encode()) - 1):
        assert len(summary(verdict, played.about, size).encode()) <= size


def check_harmless(text: str, hostile: str) -> None:
    page = Page(text)
    assert {tag for tag, _ in page.tags} <= TAGS
    assert all(tag in ("td", "th") for tag, attributes in page.tags if attributes)
    assert len(page.cells) == 4, "as many rows as without"
    assert [row[-1] for row in page.cells] == ["State", "breached", "ok", "ok"], "in its column"
    if 0 < len(hostile) < 100 and hostile.strip() == hostile:
        assert visible(hostile) in page.code, "and it is told as it is"


RULES = ("fail_ratio of /a < 10%", "p95 of /none < 1s", "p95 < 1s")


def test_a_hostile_text_harms_nothing(played, tell, hostile):
    about = replace(played.about, title=hostile, host=hostile, rules_file=hostile)
    text = summary(tell(played.verdict(*RULES), hostile), about, MUCH)
    check_harmless(text, hostile)
    assert "@everyone" not in text
    assert len(text) < 50_000


def test_no_text_harms_anything(played, tell):
    verdict = played.verdict(*RULES)

    @settings(max_examples=150, deadline=None)
    @given(st.text(max_size=100) | st.text("|`*_[]()<>!#@&;:\\~-=+ \nab1.", max_size=60))
    def check(text):
        about = replace(played.about, title=text, host=text)
        check_harmless(summary(tell(verdict, text), about, MUCH), text)

    check()


def test_what_is_only_warned_of_looks_neither_failed_nor_passed(played):
    text = summary(played.verdict("p95 < 1ms over 2s else warn"), played.about, MUCH)
    assert "### \u2705 Checkout: pass" in text
    assert "| \u26a0\ufe0f | <code>p95 over 2s else warn</code> |" in text
    assert "<summary>\u26a0\ufe0f p95 was 900 ms" in text
