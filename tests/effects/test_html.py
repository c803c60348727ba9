"""The report as a page: whole, harmless, and there whatever happened."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import logging
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plotly.offline import get_plotlyjs

from guard.effects import html
from guard.effects.chronicle import Chronicle
from guard.effects.html import HtmlReport, as_html
from guard.effects.report_files import KINDS
from guard.engine.standing import Moment, Standing
from guard.engine.verdict import AGGREGATED
from guard.rule import Outcome, State

VOID = {"meta"}
ELEMENTS = {
    *VOID, "html", "head", "title", "style", "body", "header", "main", "footer", "section",
    "article", "figure", "figcaption", "p", "h1", "h2", "h3", "h4", "dl", "dt", "dd", "div", "span",
    "strong", "small", "code", "time", "a", "table", "caption", "thead", "tbody", "tr", "th", "td",
    "ul", "li", "details", "summary", "noscript", "script",
}  # fmt: skip
"""All that the page is made of."""


class Page(HTMLParser):
    """What a browser would make of it.

    Attributes:
        tags: The elements, each with its attributes.
        said: The text that is to be read.
        scripts: The text of each script.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.said = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open[-1:] == ["script"]:
            self.scripts[-1] += data
        elif self._open[-1:] != ["style"]:
            self.said += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def followed(verdict, seconds=10):
    """A chronicle in which every rule of the verdict has readings."""
    kept = Chronicle()
    for second in range(1, seconds + 1):
        standings = [
            Standing(r.rule, r.entry, State.OK, 100.0 if r.judged else None, 10, r.evidence)
            for r in verdict.rules
        ]
        kept.take(Moment(float(second), 20, 50 * second, standings))
    return kept


def page_of(verdict, about, chronicle=None):
    chronicle = followed(verdict) if chronicle is None else chronicle
    return Page(as_html(verdict, about, chronicle))


@pytest.fixture
def _no_plotly(monkeypatch):
    """Plotly takes longer to be packed than all the rest."""
    monkeypatch.setattr("plotly.offline.get_plotlyjs", lambda: "0")


def words(page):
    return " ".join(page.said.split())


def test_it_tells_what_there_is_to_tell(played):
    verdict = played.verdict(
        "p95 of GET /a < 500ms over 2s for 2s else stop",
        "fail_ratio < 1%",
        "{name: All is well, check: p99 < 2s, because: the SLO}",
        "p95 of /nowhere < 1s",
    )
    page = page_of(verdict, played.about)
    said = words(page)
    for text in (
        "Checkout", "https://shop.example", "2026-01-01 12:00:00 UTC", "rules.yaml", "0.1.0",
        "2.47.0", "https://ci.example/42", "A rule was broken. The guard stopped the run at 3 s.",
        "p95 of GET /a was 900 ms over 2 s (20 requests), must be < 500 ms",
        "Breach on GET /a", "pending since 1 s, breached at 3 s", "20 users, 10 requests/s",
        "HTTPError('503')", "All is well", "Because: the SLO",
        "'p95 of /nowhere < 1s' had no data: there were no requests of /nowhere",
    ):  # fmt: skip
        assert text in said
    assert [attributes["id"] for attributes in page.all("h2")] == [
        "rules", "load", "rule-1", "rule-2", "rule-3", "rule-4",
    ]  # fmt: skip
    assert {attributes["href"] for attributes in page.all("a")} == {
        "https://ci.example/42", "#rule-1", "#rule-2", "#rule-3", "#rule-4",
    }  # fmt: skip


def test_it_can_be_read_by_those_who_cannot_see_it(played):
    """Headings in their order, a caption and heads of the table, words for each chart; and no
    meaning that is in a colour alone."""
    page = page_of(played.verdict("p95 < 500ms over 2s", "fail_ratio < 99%"), played.about)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(page.all("caption")) == len(page.all("table")) == 1
    assert {head["scope"] for head in page.all("th")} == {"col", "row"}
    drawn = [place for place in page.all("div") if "data-chart" in place]
    assert len(drawn) == 3
    assert all(place["role"] == "img" and place["aria-label"] for place in drawn)
    assert page.all("html") == [{"lang": "en"}]


def test_it_runs_what_it_brings_along_and_nothing_else(played):
    verdict = played.verdict("p95 < 500ms over 2s")
    text = as_html(verdict, played.about, followed(verdict))
    page = Page(text)
    figures, packed, script = page.scripts
    assert [json.loads(figures)[number]["layout"]["height"] for number in "01"] == [360, 360]
    plotly = gzip.decompress(base64.b64decode(packed)).decode()
    assert plotly == get_plotlyjs()
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    for source in (script, plotly):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in re.search("script-src [^;]*", policy)[0]
    elsewhere = [a for _, a in page.tags if "src" in a or (a.get("href") or "#")[0] not in "#h"]
    assert elsewhere == []
    assert len(text) < 2_500_000


@pytest.mark.usefixtures("_no_plotly")
def test_a_hostile_text_is_but_text(played, hostile, tell):
    """Wherever somebody else may have a say, in the page and in its charts."""
    verdict = tell(played.verdict("p95 of each * < 500ms over 2s", "fail_ratio < 1%"), hostile)
    about = replace(played.about, title=hostile, host=hostile, rules_file=hostile, link=hostile)
    harmless(verdict, about)


@pytest.mark.usefixtures("_no_plotly")
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(max_size=300))
def test_no_text_does_any_harm(played, tell, text):
    verdict = tell(played.verdict("fail_ratio < 1% surely"), text)
    harmless(verdict, replace(played.about, title=text, host=text, link=text))


def harmless(verdict, about):
    kept = followed(verdict)
    text = as_html(verdict, about, kept)
    text.encode()  # no halves of characters
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    page = Page(text)
    assert {tag for tag, _ in page.tags} <= ELEMENTS
    assert len(page.scripts) == 3
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    links = [attributes["href"] or "" for attributes in page.all("a")]
    assert all(re.match("#rule-|https?://", link) for link in links)
    for figure in json.loads(page.scripts[0]).values():
        assert all(
            "<" not in trace["name"] and len(trace["name"]) < 500 for trace in figure["data"]
        )


@pytest.mark.usefixtures("_no_plotly")
def test_a_figure_does_not_end_its_script():
    figures = html._assets({0: {"name": "</script><script>"}})["figures"]
    assert "<" not in figures
    assert json.loads(figures) == {"0": {"name": "</script><script>"}}


def test_of_many_entries_the_worst_are_told_and_how_many_more(played):
    names = tuple(f"/{number}" for number in range(60))
    verdict = played.verdict("p95 of each * < 500ms over 2s", names=names)
    page = page_of(verdict, played.about)
    assert "50 more entries: fail" in words(page)
    assert "50 more breaches: fail" in words(page)
    assert len(page.all("tr")) == 1 + 10 + 1
    assert len(json.loads(page.scripts[0])["1"]["data"]) == 1 + 2 * 5 + 1


def test_without_any_data_it_says_so_and_is_small(played):
    verdict = replace(played.verdict("p95 of /nowhere < 1s"), outcome=Outcome.INCONCLUSIVE)
    text = as_html(verdict, played.about, Chronicle())
    assert "There is nothing to show" in text
    assert "there were no requests of /nowhere" in text
    assert len(text) < 30_000


def test_a_guard_that_failed_has_a_report_too(played):
    failed = replace(played.verdict("p95 < 1s"), outcome=Outcome.ERROR, reason="RuntimeError: x")
    said = words(page_of(failed, played.about))
    assert "error The guard itself failed." in said
    assert "RuntimeError: x" in said
    assert "There are no results to show" in words(page_of(replace(failed, rules=()), played.about))


def test_what_a_replay_knows_is_told(played):
    more = {"left_out": ["cpu < 90%"], "bad_rows": 3}
    about = replace(played.about, host="", locust_version=None, link=None, more=more)
    said = words(page_of(played.verdict("p95 < 1s"), about))
    assert "Left out, because the recording does not tell: cpu < 90%" in said
    assert "can't be read: 3" in said
    assert "Host" not in said
    assert "Locust" not in said


def test_the_effect_follows_and_writes_at_the_end(played, tmp_path):
    file = tmp_path / "new" / "report.html"
    verdict = played.verdict("p95 < 500ms over 2s")
    effect = HtmlReport(file, played.about)
    assert effect.follows
    effect.started(verdict)
    standing = Standing(verdict.rules[0].rule, AGGREGATED, State.OK, 100.0, 10)
    effect.ticked(Moment(1.0, 20, 50, [standing]))
    effect.refreshed(verdict)
    assert not file.exists()
    effect.ended(verdict)
    assert KINDS["html"].refusal(file) is None
    assert list(file.parent.iterdir()) == [file]


def test_the_report_on_the_test_before_goes_but_nothing_else(played, tmp_path):
    verdict = played.verdict("p95 < 1s")
    ours, other = tmp_path / "ours.html", tmp_path / "other.html"
    ours.write_text(as_html(verdict, played.about, Chronicle()))
    other.write_text("<!DOCTYPE html>\n<p>mine")
    for file in (ours, other):
        HtmlReport(file, played.about).started(verdict)
    assert list(tmp_path.iterdir()) == [other]


def test_a_file_that_cannot_be_written_is_said_once(played, tmp_path, caplog):
    caplog.set_level(logging.ERROR, logger="guard")
    (tmp_path / "file").touch()
    HtmlReport(tmp_path / "file" / "r.html", played.about).ended(played.verdict("p95 < 1s"))
    (message,) = caplog.messages
    assert message.startswith("can't write the report of locust-guard to ")


@pytest.mark.parametrize(
    ("module", "late"),
    [
        ("guard.effects.html", {"jinja2", "plotly"}),
        ("guard.replaying", {"jinja2", "plotly", "guard.effects.html"}),
        ("guard.plugin", {"plotly", "guard.effects.html"}),  # Locust's web UI has jinja2
    ],
)
def test_what_draws_is_loaded_when_it_is_time_to_draw(module, late):
    program = f"import sys, {module}; print({late} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
